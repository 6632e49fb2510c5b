//! Parsing of a YAML configuration; every key and value is checked against the schema, and errors name the
//! line.

use super::ConfigError;
use super::schema::{self, ValueType};
use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use serde_json::{Map, Value};

/// A checked configuration file: nested maps of known keys with values of the right types.
///
/// `name` is the name of the file in errors.
pub(super) fn parse(text: &str, name: &str) -> Result<Map<String, Value>, ConfigError> {
    let documents = MarkedYaml::load_from_str(text).map_err(|error| {
        let marker = error.marker();
        ConfigError::Syntax {
            file: name.into(),
            line: marker.line(),
            message: error.info().to_string(),
        }
    })?;
    let mut map = Map::new();
    match documents.first() {
        None => {}
        Some(root) => match &root.data {
            YamlData::Mapping(_) => section(root, "", name, &mut map)?,
            YamlData::Value(Scalar::Null) => {}
            _ => {
                return Err(ConfigError::Value {
                    file: name.into(),
                    line: line_of(root),
                    key: "the file".into(),
                    expected: "a mapping of keys to values",
                });
            }
        },
    }
    Ok(map)
}

fn line_of(node: &MarkedYaml) -> usize {
    node.span.start.line()
}

fn section(
    node: &MarkedYaml,
    path: &str,
    file: &str,
    out: &mut Map<String, Value>,
) -> Result<(), ConfigError> {
    let YamlData::Mapping(entries) = &node.data else {
        return Ok(());
    };
    for (key_node, value_node) in entries {
        let Value::String(key) = text_key(key_node) else {
            return Err(ConfigError::Value {
                file: file.into(),
                line: line_of(key_node),
                key: format!("a key in `{path}`"),
                expected: "a text",
            });
        };
        let full = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        if let Some(kind) = schema::kind_of(&full) {
            let value = to_value(value_node);
            if !kind.accepts(&value) {
                let line = line_of(value_node);
                return Err(ConfigError::Value {
                    file: file.into(),
                    line,
                    key: full,
                    expected: kind.describe(),
                });
            }
            out.insert(key, value);
        } else if schema::is_section(&full) {
            let mut inner = Map::new();
            match &value_node.data {
                YamlData::Mapping(_) => section(value_node, &full, file, &mut inner)?,
                YamlData::Value(Scalar::Null) => {}
                _ => {
                    let line = line_of(value_node);
                    let expected = "a mapping of keys to values";
                    return Err(ConfigError::Value {
                        file: file.into(),
                        line,
                        key: full,
                        expected,
                    });
                }
            }
            out.insert(key, Value::Object(inner));
        } else {
            let hint = schema::nearest(&full).map(str::to_string);
            return Err(ConfigError::UnknownKey {
                file: file.into(),
                line: line_of(key_node),
                key: full,
                hint,
            });
        }
    }
    Ok(())
}

/// A key as text: class ids may be written as numbers.
fn text_key(node: &MarkedYaml) -> Value {
    match to_value(node) {
        Value::Number(number) => Value::String(number.to_string()),
        other => other,
    }
}

fn to_value(node: &MarkedYaml) -> Value {
    match &node.data {
        YamlData::Value(Scalar::Null) => Value::Null,
        YamlData::Value(Scalar::Boolean(b)) => Value::Bool(*b),
        YamlData::Value(Scalar::Integer(i)) => (*i).into(),
        YamlData::Value(Scalar::FloatingPoint(f)) => {
            serde_json::Number::from_f64(f.into_inner()).map_or(Value::Null, Value::Number)
        }
        YamlData::Value(Scalar::String(s)) => Value::String(s.to_string()),
        YamlData::Sequence(items) => items.iter().map(to_value).collect(),
        YamlData::Mapping(entries) => {
            let pair = |(k, v): (&MarkedYaml, &MarkedYaml)| {
                (
                    text_key(k).as_str().unwrap_or_default().to_string(),
                    to_value(v),
                )
            };
            Value::Object(entries.iter().map(pair).collect())
        }
        YamlData::Tagged(_, inner) => to_value(inner),
        _ => Value::Null,
    }
}

/// Checks a value for a key given by a flag or the environment.
pub(super) fn check(key: &str, value: &Value) -> Result<(), &'static str> {
    let kind = schema::kind_of(key).unwrap_or(ValueType::Any);
    if kind.accepts(value) {
        Ok(())
    } else {
        Err(kind.describe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn fails(text: &str, message: &str) {
        assert_eq!(parse(text, "x.yaml").unwrap_err().to_string(), message);
    }

    #[test]
    fn unknown_keys_are_named_with_their_line() {
        fails(
            "batch_size: 4\nuse_ques: true\n",
            "x.yaml, line 2: unknown key `use_ques`; did you mean `use_queues`?",
        );
        fails(
            "SubModules:\n  LayoutDetection:\n    colour: red\n",
            "x.yaml, line 3: unknown key `SubModules.LayoutDetection.colour`",
        );
    }

    #[test]
    fn wrong_kinds_are_named_with_their_line() {
        fails(
            "use_queues: 3",
            "x.yaml, line 1: `use_queues` must be true or false",
        );
        fails(
            "\nSubModules: 7",
            "x.yaml, line 2: `SubModules` must be a mapping of keys to values",
        );
        fails(
            "- a\n- b",
            "x.yaml, line 1: `the file` must be a mapping of keys to values",
        );
    }

    #[test]
    fn broken_yaml_is_named_with_its_line() {
        let error = parse("a: [1, 2\nb: 3\n", "x.yaml").unwrap_err().to_string();
        assert!(error.starts_with("x.yaml, line "), "{error}");
    }

    #[test]
    fn class_ids_are_keys() {
        let map = parse(
            "SubModules: {LayoutDetection: {threshold: {0: 0.5, 3: 1}}}",
            "x",
        )
        .unwrap();
        assert_eq!(map["SubModules"]["LayoutDetection"]["threshold"]["3"], 1);
        assert!(parse("", "x").unwrap().is_empty());
    }
}
