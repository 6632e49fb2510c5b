//! The catalog of models with their repositories and files: `configs/models.toml`.

use crate::fault::Fault;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Content of the catalog file.
const CATALOG: &str = include_str!("../../configs/models.toml");

/// All known models.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Catalog {
    /// Addresses of the hubs.
    pub hubs: Hubs,
    /// Models of each pipeline.
    pub pipelines: BTreeMap<String, Parts>,
    /// All models.
    pub models: Vec<ModelEntry>,
}

/// Addresses of the hubs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hubs {
    /// Hugging Face.
    pub huggingface: String,
    /// ModelScope.
    pub modelscope: String,
}

/// Models of a pipeline, by name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parts {
    /// Models that it cannot run without.
    pub needs: Vec<String>,
    /// Models that its flags can enable.
    pub optional: Vec<String>,
}

/// A model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelEntry {
    /// Name, as in settings.
    pub name: String,
    /// Purpose.
    pub what: String,
    /// Repository, the same on all hubs.
    pub repository: String,
    /// Required files.
    pub files: Vec<String>,
    /// Files that are fetched if they exist.
    pub optional: Vec<String>,
}

impl Catalog {
    /// The catalog built into the program.
    pub(crate) fn embedded() -> Result<Catalog, Fault> {
        let broken = |e| Fault::internal(format!("configs/models.toml: {e}"));
        toml::from_str(CATALOG).map_err(broken)
    }

    /// The model with this name.
    pub(crate) fn model(&self, name: &str) -> Option<&ModelEntry> {
        self.models.iter().find(|model| model.name == name)
    }

    /// The models that a name stands for: that model, or those of a pipeline; with `all`, including its
    /// optional ones.
    pub(crate) fn named(&self, name: &str, all: bool) -> Option<Vec<&ModelEntry>> {
        if let Some(model) = self.model(name) {
            return Some(vec![model]);
        }
        let parts = self.pipelines.get(name)?;
        let optional = parts.optional.iter().filter(|_| all);
        Some(
            parts
                .needs
                .iter()
                .chain(optional)
                .filter_map(|part| self.model(part))
                .collect(),
        )
    }
}

impl ModelEntry {
    /// Last part of the repository's name.
    pub(crate) fn folder(&self) -> &str {
        self.repository
            .rsplit('/')
            .next()
            .unwrap_or(&self.repository)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_file_fits_together() {
        let catalog = Catalog::embedded().unwrap();
        let names: BTreeSet<&str> = catalog
            .models
            .iter()
            .map(|model| model.name.as_str())
            .collect();
        assert_eq!(names.len(), catalog.models.len());
        for (name, parts) in &catalog.pipelines {
            let all = parts.needs.len() + parts.optional.len();
            assert_eq!(catalog.named(name, true).unwrap().len(), all, "{name}");
            assert_eq!(catalog.named(name, false).unwrap().len(), 2, "{name}");
        }
        assert_eq!(
            catalog.named("UVDoc", false).unwrap()[0].folder(),
            "UVDoc_safetensors"
        );
        assert!(catalog.named("v9", false).is_none());
        for model in &catalog.models {
            let has = |file: &str| model.files.iter().any(|name| name == file);
            let of_lines = has("inference.onnx") && has("inference.yml");
            assert!(has("config.json") || of_lines, "{}", model.name);
        }
    }
}
