//! `config.json` of a checkpoint: the architecture and its dimensions.

use super::CheckpointError;
use serde_json::Value;
use std::path::PathBuf;

/// `config.json` and its path.
#[derive(Debug, Clone)]
pub struct ModelConfig {
    path: PathBuf,
    value: Value,
}

impl ModelConfig {
    /// Reads a configuration.
    pub fn read(path: PathBuf) -> Result<Self, CheckpointError> {
        let text = std::fs::read(&path).map_err(|source| CheckpointError::Read {
            path: path.clone(),
            source,
        })?;
        let value: Value = serde_json::from_slice(&text).map_err(|e| CheckpointError::Damaged {
            path: path.clone(),
            reason: e.to_string(),
        })?;
        Ok(Self { path, value })
    }

    /// `model_type`; empty if missing.
    pub fn model_type(&self) -> &str {
        self.value
            .get("model_type")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The configuration below `key`; empty if missing.
    pub fn section(&self, key: &str) -> Self {
        let value = self.value.get(key).cloned().unwrap_or(Value::Null);
        Self {
            path: self.path.clone(),
            value,
        }
    }

    /// An error about a key.
    pub fn bad(&self, key: &str, problem: impl Into<String>) -> CheckpointError {
        CheckpointError::Config {
            path: self.path.clone(),
            key: key.into(),
            problem: problem.into(),
        }
    }

    /// An error about a configuration of another architecture.
    pub fn of_another_network(&self, expected: &str) -> CheckpointError {
        let architecture = self
            .value
            .get("architectures")
            .and_then(|a| a.get(0))
            .and_then(Value::as_str);
        let found = if self.model_type().is_empty() {
            architecture
        } else {
            Some(self.model_type())
        };
        CheckpointError::Architecture {
            path: self.path.clone(),
            found: found.unwrap_or("no known model").to_string(),
            expected: expected.to_string(),
        }
    }

    /// A value of any type; `None` if missing or null.
    pub fn get<T: serde::de::DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<T>, CheckpointError> {
        match self.value.get(key).filter(|v| !v.is_null()) {
            None => Ok(None),
            Some(value) => serde_json::from_value(value.clone())
                .map(Some)
                .map_err(|e| self.bad(key, format!("cannot be `{value}`: {e}"))),
        }
    }

    /// A required value of any type.
    pub fn need<T: serde::de::DeserializeOwned>(&self, key: &str) -> Result<T, CheckpointError> {
        self.get(key)?.ok_or_else(|| self.bad(key, "is missing"))
    }

    /// A required count above zero.
    pub fn need_count(&self, key: &str) -> Result<usize, CheckpointError> {
        match self.has(key) {
            true => self.count(key, 1),
            false => Err(self.bad(key, "is missing")),
        }
    }

    /// `true` if the key has a value other than null.
    pub fn has(&self, key: &str) -> bool {
        self.value.get(key).is_some_and(|v| !v.is_null())
    }

    /// A value of any type, or `default`.
    pub fn get_or<T: serde::de::DeserializeOwned>(
        &self,
        key: &str,
        default: T,
    ) -> Result<T, CheckpointError> {
        Ok(self.get(key)?.unwrap_or(default))
    }

    /// A count above zero, or `default`.
    pub fn count(&self, key: &str, default: usize) -> Result<usize, CheckpointError> {
        self.counts(key, &[default]).map(|counts| counts[0])
    }

    /// Counts above zero, given as a list (or a single number); `default` if the key is missing.
    pub fn counts(&self, key: &str, default: &[usize]) -> Result<Vec<usize>, CheckpointError> {
        let Some(value) = self.value.get(key).filter(|v| !v.is_null()) else {
            return Ok(default.to_vec());
        };
        let numbers = match value {
            Value::Array(list) => list.iter().map(Value::as_u64).collect::<Option<Vec<u64>>>(),
            single => single.as_u64().map(|n| vec![n]),
        };
        // No dimension of these networks comes near: a larger number means a damaged file.
        let plausible = |n: &u64| (1..=1 << 24).contains(n);
        match numbers.filter(|n| n.len() == default.len() && n.iter().all(plausible)) {
            Some(numbers) => Ok(numbers.into_iter().map(|n| n as usize).collect()),
            None => Err(self.bad(key, format!("cannot be `{value}`"))),
        }
    }
}
