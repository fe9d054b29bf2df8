//! A terminal's screen as a picture.

use std::fmt::Write;

/// The size of a character, in pixels.
const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 17.0;

const FOREGROUND: &str = "#d8dee9";
const BACKGROUND: &str = "#1f232b";
/// Black to white, as SGR counts them.
const COLOURS: [&str; 8] =
    ["#3b4252", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d8dee9"];

/// How text is drawn, by SGR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Style {
    colour: Option<usize>,
    bold: bool,
    faint: bool,
    reversed: bool,
}

impl Style {
    fn apply(&mut self, parameters: &str) {
        for number in parameters.split(';') {
            match number.parse().unwrap_or(0) {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.faint = true,
                7 => self.reversed = true,
                22 => (self.bold, self.faint) = (false, false),
                27 => self.reversed = false,
                colour @ 30..=37 => self.colour = Some(colour - 30),
                39 => self.colour = None,
                colour @ 90..=97 => self.colour = Some(colour - 90),
                _ => {}
            }
        }
    }
}

/// A picture of a screen of that many columns, from the lines and escape sequences that draw it.
pub fn svg(painted: &str, columns: u16) -> String {
    let lines: Vec<&str> = painted.lines().collect();
    let (width, height) = (f64::from(columns) * WIDTH + 16.0, lines.len() as f64 * HEIGHT + 16.0);
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14">
<rect width="100%" height="100%" rx="6" fill="{BACKGROUND}"/>
"#
    );
    let mut style = Style::default();
    for (row, line) in lines.iter().enumerate() {
        let mut column = 0;
        for (run, style) in runs(line, &mut style) {
            let (x, y) = (8.0 + column as f64 * WIDTH, 8.0 + row as f64 * HEIGHT);
            draw(&mut svg, &run, style, x, y);
            column += run.chars().count();
        }
    }
    svg + "</svg>\n"
}

/// The stretches of a line that are drawn alike.
fn runs(line: &str, style: &mut Style) -> Vec<(String, Style)> {
    let mut runs: Vec<(String, Style)> = Vec::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let sequence = rest.strip_prefix("\u{1b}[").and_then(|sequence| sequence.split_once('m'));
        if let Some((parameters, after)) = sequence {
            style.apply(parameters);
            rest = after;
            continue;
        }
        match runs.last_mut() {
            Some((run, drawn)) if drawn == style => run.push(c),
            _ => runs.push((c.to_string(), *style)),
        }
        rest = &rest[c.len_utf8()..];
    }
    runs
}

fn draw(svg: &mut String, run: &str, style: Style, x: f64, y: f64) {
    let width = run.chars().count() as f64 * WIDTH;
    let colour = style.colour.map_or(FOREGROUND, |number| COLOURS[number]);
    let (ink, paper) = if style.reversed { (BACKGROUND, colour) } else { (colour, BACKGROUND) };
    if style.reversed {
        let _ = writeln!(
            svg,
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{HEIGHT}" fill="{paper}"/>"#
        );
    }
    if run.trim().is_empty() {
        return;
    }
    let weight = if style.bold { r#" font-weight="bold""# } else { "" };
    let opacity = if style.faint { r#" opacity="0.6""# } else { "" };
    let text = run.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(
        svg,
        r#"<text x="{x:.1}" y="{:.1}" textLength="{width:.1}" xml:space="preserve" fill="{ink}"{weight}{opacity}>{text}</text>"#,
        y + HEIGHT - 4.5
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_alike_is_one_text_in_its_place() {
        let picture = svg("ab\u{1b}[1;33mc<\u{1b}[0m\u{1b}[7md\u{1b}[0m\n\u{1b}[2mx", 80);
        let text = |words: &str| picture.contains(words);
        assert!(text(r##"fill="#d8dee9">ab</text>"##), "{picture}");
        assert!(
            text(r##"<text x="24.8" y="20.5""##)
                && text(r##"fill="#e5c07b" font-weight="bold">c&lt;</text>"##)
        );
        assert!(text(r##"fill="#1f232b">d</text>"##) && text(r#"opacity="0.6">x</text>"#));
    }
}
