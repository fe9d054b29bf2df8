//! `hook threads --watch`: a live view of what every thread is doing.

mod feed;
mod model;
mod screen;
mod view;

use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use codex_spool::Spool;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use self::feed::Feed;
use self::model::Model;
use self::screen::Screen;
use super::Selection;
use crate::error::Error;

/// How often the view is drawn where nothing happens: ages grow.
const TICK: Duration = Duration::from_secs(1);

/// How much the view is told ahead of what it has drawn. On a terminal that takes no more the events stay in the spool.
const AHEAD: usize = 4;

/// What the view is told.
#[derive(Debug)]
enum Message {
    /// By the user.
    Input(Event),
    /// By the spool.
    Feed(feed::News),
    /// By a signal.
    End,
}

/// What the user asked for.
#[derive(Debug, PartialEq, Eq)]
enum Wish {
    Nothing,
    Quit,
}

/// How the view is asked to be.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) selection: Selection,
    pub(crate) all: bool,
    pub(crate) bell: bool,
    pub(crate) color: bool,
    /// The user's home, which is shown as `~`.
    pub(crate) home: Option<PathBuf>,
}

/// Shows the threads until the user has seen enough, or a signal ends it. However it ends, the terminal is as before.
pub(crate) fn watch(spool: Spool, options: Watch) -> Result<(), Error> {
    let (tell, told) = mpsc::sync_channel(AHEAD);
    let Watch { selection, all, bell, color, home } = options;
    let feed = Feed::start(spool, all, tell.clone())?;
    let end = tell.clone();
    // Where signals cannot be caught they end the process as they do others.
    let _ = ctrlc::set_handler(move || drop(end.send(Message::End)));
    let screen = Screen::open().map_err(Error::Output)?;
    std::thread::spawn(move || {
        while let Ok(input) = event::read() {
            if tell.send(Message::Input(input)).is_err() {
                return;
            }
        }
    });
    // When it returns nobody is told any more, and the feed can end.
    show(&feed, screen, told, Model::new(selection, home), (bell, color))
}

fn show(
    feed: &Feed,
    mut screen: Screen,
    told: mpsc::Receiver<Message>,
    mut model: Model,
    (bell, color): (bool, bool),
) -> Result<(), Error> {
    loop {
        if let Some(thread) = model.wants_log() {
            feed.ask_for_log(thread);
        }
        let drawn = screen.draw(|frame| view::draw(frame, &mut model, SystemTime::now(), color));
        drawn.map_err(Error::Output)?;
        // All that is there, before it is drawn again.
        let mut message = told.recv_timeout(TICK).ok();
        while let Some(now) = message {
            match now {
                Message::End => return Ok(()),
                Message::Input(input) if apply_input(&mut model, &input) == Wish::Quit => return Ok(()),
                Message::Input(_) => {}
                Message::Feed(feed::News::Lost(error)) => return Err(error),
                Message::Feed(news) => {
                    if model.learn(news) && bell {
                        screen.ring().map_err(Error::Output)?;
                    }
                }
            }
            message = told.try_recv().ok();
        }
    }
}

fn apply_input(model: &mut Model, input: &Event) -> Wish {
    let Event::Key(KeyEvent { code, modifiers, kind, .. }) = input else { return Wish::Nothing };
    if *kind == KeyEventKind::Release {
        return Wish::Nothing;
    }
    let control = modifiers.contains(KeyModifiers::CONTROL);
    match code {
        KeyCode::Char('c' | 'd') if control => return Wish::Quit,
        KeyCode::Esc if model.filter().is_empty() => return Wish::Quit,
        KeyCode::Esc => model.clear_filter(),
        KeyCode::Char('u') if control => model.clear_filter(),
        KeyCode::Char(c) if !control => model.type_char(*c),
        KeyCode::Backspace => model.delete_char(),
        KeyCode::Up => model.move_by(-1),
        KeyCode::Down => model.move_by(1),
        KeyCode::PageUp => model.move_by(-10),
        KeyCode::PageDown => model.move_by(10),
        KeyCode::Home => model.move_by(isize::MIN),
        KeyCode::End => model.move_by(isize::MAX),
        _ => {}
    }
    Wish::Nothing
}

/// Why there is no view where nobody would see it.
pub(crate) fn no_terminal() -> Error {
    Error::Refused {
        what: "--watch needs a terminal".into(),
        place: "standard output".to_owned(),
        remedy: "leave it away, or give --json",
    }
}

#[cfg(test)]
mod tests;
