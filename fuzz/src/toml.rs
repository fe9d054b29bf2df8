//! TOML as a value, however it is written.

use serde_json::Value;
use toml_edit::{Item, TableLike};

/// The value that a TOML text has; `None`: it is no TOML.
pub fn value(text: &str) -> Option<Value> {
    let document = toml_edit::Document::parse(text).ok()?;
    Some(of_table(document.as_table()))
}

fn of_table(table: &dyn TableLike) -> Value {
    table
        .iter()
        .map(|(name, item)| (name.to_owned(), of_item(item)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn of_item(item: &Item) -> Value {
    match item {
        Item::None => Value::Null,
        Item::Value(value) => of_value(value),
        Item::Table(table) => of_table(table),
        Item::ArrayOfTables(tables) => tables.iter().map(|table| of_table(table)).collect(),
    }
}

fn of_value(value: &toml_edit::Value) -> Value {
    use toml_edit::Value as Toml;
    match value {
        Toml::String(text) => text.value().as_str().into(),
        Toml::Integer(number) => (*number.value()).into(),
        Toml::Boolean(value) => (*value.value()).into(),
        Toml::Float(number) => format!("float {:?}", number.value()).into(),
        Toml::Datetime(time) => format!("time {}", time.value()).into(),
        Toml::Array(values) => values.iter().map(of_value).collect(),
        Toml::InlineTable(table) => of_table(table),
    }
}
