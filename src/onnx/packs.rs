//! Quantized weights, cached in a file between runs.
//!
//! The file is a safetensors file of bytes, named after the checkpoint and the packing recipe. It is mapped,
//! so several processes share its memory. A damaged or deleted file is simply made again.

use super::checkpoint::Checkpoint;
use crate::kernels::quantize::Bytes;
use memmap2::Mmap;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Version of the packing; to be raised with every change of it.
const RECIPE: &str = "1";
/// Size in bytes below which packing is faster than finding the file.
const MIN_BYTES: usize = 16 << 20;

/// A mapped file and the byte range of each layer in it.
type MappedPacks = (Arc<Mmap>, BTreeMap<String, Range<usize>>);

/// Packed weights of a checkpoint.
pub struct Packs {
    path: PathBuf,
    found: Option<MappedPacks>,
    made: RefCell<Vec<(String, Bytes)>>,
}

impl Packs {
    /// Opens the cached weights of a checkpoint in a folder; `kind` names the packing.
    pub fn open(folder: &Path, checkpoint: &Checkpoint, kind: &str) -> Packs {
        let path = folder.join(format!(
            "{}-{kind}-{RECIPE}.safetensors",
            checkpoint.identity()
        ));
        let found = mapped(&path);
        Packs {
            path,
            found,
            made: RefCell::default(),
        }
    }

    /// The cached weights of this name, or those that `make` packs.
    pub fn get_or(&self, name: &str, length: usize, make: impl FnOnce() -> Bytes) -> Bytes {
        if let Some((map, places)) = &self.found
            && let Some(place) = places.get(name).filter(|place| place.len() == length)
        {
            return Bytes::Mapped(map.clone(), place.clone());
        }
        let bytes = make();
        self.made
            .borrow_mut()
            .push((name.to_string(), bytes.clone()));
        bytes
    }

    /// Writes newly packed weights to the file unless they are small; failing to is logged, not an error.
    pub fn save(self) {
        let made = self.made.into_inner();
        if made.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() < MIN_BYTES {
            return;
        }
        if let Err(reason) = write(&self.path, &made) {
            tracing::debug!(
                "quantized weights are not kept in `{}`: {reason}",
                self.path.display()
            );
        }
    }
}

fn mapped(path: &Path) -> Option<MappedPacks> {
    let file = File::open(path).ok()?;
    // SAFETY: the mapping is read-only, and files are placed here complete and never written to again.
    let map = unsafe { Mmap::map(&file) }.ok()?;
    let (header, metadata) = SafeTensors::read_metadata(&map).ok()?;
    // The header is preceded by its length in eight bytes.
    let data = header + 8;
    let places = metadata.tensors().into_iter().map(|(name, info)| {
        let (start, end) = info.data_offsets;
        (name, data + start..data + end)
    });
    let places: BTreeMap<_, _> = places.collect();
    places
        .values()
        .all(|place| place.end <= map.len())
        .then(|| (Arc::new(map), places))
}

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
enum PackError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Persist(#[from] tempfile::PersistError),
    #[error(transparent)]
    Format(#[from] safetensors::SafeTensorError),
}

fn write(path: &Path, packs: &[(String, Bytes)]) -> Result<(), PackError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut views = Vec::new();
    for (name, bytes) in packs {
        let view = TensorView::new(Dtype::U8, vec![bytes.len()], bytes)?;
        views.push((name.as_str(), view));
    }
    // Written under a temporary name and renamed: two processes may write at once.
    let temporary = tempfile::Builder::new()
        .prefix(".quantized")
        .tempfile_in(folder)?;
    safetensors::serialize_to_file(views, None, temporary.path())?;
    temporary.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(folder: &Path, byte: u8) -> Checkpoint {
        std::fs::write(folder.join("config.json"), "{}").unwrap();
        let weights = [byte; 64];
        let view = TensorView::new(Dtype::U8, vec![64], &weights).unwrap();
        let path = folder.join("model.safetensors");
        safetensors::serialize_to_file([("a", view)], None, &path).unwrap();
        Checkpoint::open(folder).unwrap()
    }

    #[test]
    fn what_was_made_is_found_again_for_the_same_weights_only() {
        let (model, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let weights = |byte| Bytes::Owned(Arc::new(vec![byte; MIN_BYTES]));
        let open = |byte| Packs::open(store.path(), &checkpoint(model.path(), byte), "int8");
        let first = open(1);
        assert_eq!(first.get_or("layer", MIN_BYTES, || weights(7))[0], 7);
        first.save();
        let second = open(1);
        assert_eq!(second.get_or("layer", MIN_BYTES, || weights(8))[0], 7);
        assert_eq!(second.get_or("layer", 5, || weights(8))[0], 8);
        assert_eq!(open(2).get_or("layer", MIN_BYTES, || weights(9))[0], 9);
        // A damaged file counts as missing.
        let file = std::fs::read_dir(store.path())
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        std::fs::write(&file, b"nonsense").unwrap();
        assert_eq!(open(1).get_or("layer", MIN_BYTES, || weights(3))[0], 3);
    }

    #[test]
    fn little_is_not_kept() {
        let (model, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let packs = Packs::open(
            &store.path().join("new"),
            &checkpoint(model.path(), 1),
            "int8",
        );
        packs.get_or("layer", 3, || Bytes::Owned(Arc::new(vec![1; 3])));
        packs.save();
        assert!(!store.path().join("new").exists());
    }
}
