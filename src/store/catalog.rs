//! Which models there are, of which repositories and files: `configs/models.toml`.

use serde::Deserialize;
use std::collections::BTreeMap;

/// The file.
const CATALOG: &str = include_str!("../../configs/models.toml");

/// What there is to have.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// Addresses of the hubs.
    pub hubs: Hubs,
    /// The parts of each pipeline.
    pub pipelines: BTreeMap<String, Parts>,
    /// All models.
    pub models: Vec<ModelEntry>,
}

/// Addresses of the hubs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hubs {
    /// Hugging Face.
    pub huggingface: String,
    /// ModelScope.
    pub modelscope: String,
}

/// Parts of a pipeline, by name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    /// It cannot do without.
    pub needs: Vec<String>,
    /// Its flags can ask for.
    pub optional: Vec<String>,
}

/// A model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
    /// Its name, as settings have it.
    pub name: String,
    /// What it is for.
    pub what: String,
    /// Its repository, the same on all hubs.
    pub repository: String,
    /// Files that must be there.
    pub files: Vec<String>,
    /// Files that are taken where they are there.
    pub optional: Vec<String>,
}

impl Catalog {
    /// The catalog that is part of the program.
    pub fn embedded() -> Result<Catalog, String> {
        toml::from_str(CATALOG).map_err(|e| format!("configs/models.toml: {e}"))
    }

    /// A model by its name.
    pub fn model(&self, name: &str) -> Option<&ModelEntry> {
        self.models.iter().find(|model| model.name == name)
    }

    /// The models that a name stands for: itself, or the parts of a pipeline; with `all` also those that it can do without.
    pub fn named(&self, name: &str, all: bool) -> Option<Vec<&ModelEntry>> {
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
    /// The last part of the repository's name.
    pub fn folder(&self) -> &str {
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
        assert!(
            catalog
                .models
                .iter()
                .all(|model| model.files.contains(&"config.json".to_string()))
        );
    }
}
