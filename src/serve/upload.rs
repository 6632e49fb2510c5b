//! The bytes of a request on their way to the spool: never more than a piece of them lies in memory.

use super::error::ApiError;
use super::json_size;
use super::limits::seconds;
use super::names::clean_name;
use super::spool::{Incoming, IncomingFile};
use super::state::Server;
use super::steady::{Untaken, is_slow};
use axum::body::Body;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use http_body_util::BodyExt;
use memmap2::Mmap;
use serde::Deserialize;
use std::fs::File;
use std::io::{self, Write};
use std::time::Duration;
use tokio::task::block_in_place;

/// Base64 as clients write it: with or without padding, bits to spare or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// Characters of base64 that are decoded at once; a multiple of 4.
const PIECE: usize = 64 << 10;
/// Most parts of a form, and bytes of those that are texts.
const MOST_PARTS: usize = 2000;
const MOST_TEXTS: usize = 1 << 20;
/// Most characters of a message about JSON.
const MOST_SHOWN: usize = 500;
/// Bytes of a request besides its files.
const REST: u64 = 1 << 20;

/// Counts the bytes of a request.
pub(crate) struct Budget<'a> {
    server: &'a Server,
    left: u64,
    /// Parts and bytes of texts that a form may still have.
    parts: usize,
    texts: usize,
    /// What came of a form before anybody took it.
    pub untaken: Untaken,
}

impl<'a> Budget<'a> {
    /// That of a request.
    pub(crate) fn new(server: &'a Server) -> Budget<'a> {
        Budget {
            server,
            left: server.options.limits.max_upload_size,
            parts: MOST_PARTS,
            texts: MOST_TEXTS,
            untaken: Untaken::default(),
        }
    }

    /// Counts a part of a form.
    pub(crate) fn part(&mut self) -> Result<(), ApiError> {
        let too_many = || ApiError::bad_request("the form has too many parts");
        self.parts = self.parts.checked_sub(1).ok_or_else(too_many)?;
        self.untaken.begin_part();
        Ok(())
    }

    /// Counts bytes of a text in a form.
    pub(crate) fn text(&mut self, bytes: usize) -> Result<(), ApiError> {
        let too_long = || ApiError::bad_request("the texts of the form are too long");
        self.texts = self.texts.checked_sub(bytes).ok_or_else(too_long)?;
        Ok(())
    }

    fn take(&mut self, bytes: usize) -> Result<(), ApiError> {
        self.left = self.left.checked_sub(bytes as u64).ok_or_else(|| {
            let what = format_args!("the files of the request are too large together");
            ApiError::too_large(&self.server.options.limits, "max_upload_size", what)
        })?;
        Ok(())
    }

    /// Writes bytes to a file.
    pub(crate) fn write(&mut self, file: &mut IncomingFile, bytes: &[u8]) -> Result<(), ApiError> {
        self.take(bytes.len())?;
        block_in_place(|| file.write(bytes))?;
        Ok(())
    }

    /// Bytes that may still come.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// The longest pause of a client.
    pub(crate) fn patience(&self) -> Duration {
        seconds(self.server.options.limits.read_timeout)
    }
}

/// A client that paused for too long, or went away.
pub(crate) fn stalled(server: &Server) -> ApiError {
    ApiError {
        limit: server.options.limits.named("read_timeout"),
        ..ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            "stalled",
            "the request stopped coming (`read_timeout`)",
        )
    }
}

/// A body that ended before its end.
pub(crate) fn broken_off(server: &Server, error: &(dyn std::error::Error + 'static)) -> ApiError {
    match is_slow(error) {
        true => stalled(server),
        false => ApiError::bad_request(format!("the request broke off: {error}")),
    }
}

/// The next piece of a body; `None` at its end.
pub(crate) async fn next_piece(
    server: &Server,
    body: &mut Body,
) -> Result<Option<Bytes>, ApiError> {
    let patience = seconds(server.options.limits.read_timeout);
    loop {
        let frame = tokio::time::timeout(patience, body.frame())
            .await
            .map_err(|_| stalled(server))?;
        match frame {
            None => return Ok(None),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Some(Err(error)) => return Err(broken_off(server, &error)),
        }
    }
}

/// A whole body as one file.
pub(crate) async fn raw(
    server: &Server,
    incoming: &mut Incoming,
    mut body: Body,
    name: &str,
) -> Result<(), ApiError> {
    let mut budget = Budget::new(server);
    let mut file = incoming.begin()?;
    while let Some(piece) = next_piece(server, &mut body).await? {
        budget.write(&mut file, &piece)?;
    }
    incoming.end(file, clean_name(name))?;
    Ok(())
}

/// A JSON body in a temporary file of the spool, mapped: the base64 in it may be long.
pub(crate) struct JsonBody(Option<Mmap>);

impl JsonBody {
    /// Receives it. Besides the contents of files it is short; the fields `apart` do not count as that.
    pub(crate) async fn receive(
        server: &Server,
        mut body: Body,
        apart: &[&str],
    ) -> Result<JsonBody, ApiError> {
        // Base64 takes four characters for three bytes.
        let most = server.options.limits.max_upload_size / 3 * 4 + REST;
        let mut file = tempfile::tempfile_in(&server.options.spool)?;
        let mut size = 0;
        while let Some(piece) = next_piece(server, &mut body).await? {
            size += piece.len() as u64;
            if size > most {
                let what = format_args!("the files of the request are too large together");
                return Err(ApiError::too_large(
                    &server.options.limits,
                    "max_upload_size",
                    what,
                ));
            }
            block_in_place(|| file.write_all(&piece))?;
        }
        if size == 0 {
            return Ok(JsonBody(None));
        }
        let body = JsonBody(Some(map(&file)?));
        block_in_place(|| json_size::check_body(body.bytes(), apart))?;
        Ok(body)
    }

    /// Its bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Reads it.
    pub(crate) fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ApiError> {
        serde_json::from_slice(self.bytes()).map_err(|error| unexpected(&error))
    }
}

/// JSON in a body that cannot be read.
pub(crate) fn unexpected(error: &serde_json::Error) -> ApiError {
    // It may repeat what the client sent, as long as that is.
    let error: String = error.to_string().chars().take(MOST_SHOWN).collect();
    ApiError::bad_request(format!(
        "the body is not the JSON that is expected: {error}"
    ))
}

fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the file has no name, so nobody else can change or cut it.
    unsafe { Mmap::map(file) }
}

/// Decodes base64 into a file. As with most readers of it, characters that are none of base64 are passed over, and a
/// `data:` address may stand around it. The bytes count against `budget`, which is that of the whole request.
pub(crate) fn base64_file(
    budget: &mut Budget<'_>,
    incoming: &mut Incoming,
    text: &str,
    name: &str,
) -> Result<(), ApiError> {
    let text = match text.strip_prefix("data:") {
        Some(data) => data.split_once(',').map_or("", |(_, text)| text),
        None => text,
    };
    let mut file = incoming.begin()?;
    let mut piece = Vec::with_capacity(PIECE);
    let mut decode = |piece: &mut Vec<u8>| -> Result<(), ApiError> {
        let bytes = BASE64
            .decode(&piece[..])
            .map_err(|error| ApiError::settings(format!("`{name}` is not base64: {error}")))?;
        piece.clear();
        budget.write(&mut file, &bytes)
    };
    let is_digit = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    for digit in text.bytes().filter(is_digit) {
        piece.push(digit);
        if piece.len() == PIECE {
            decode(&mut piece)?;
        }
    }
    decode(&mut piece)?;
    incoming.end(file, clean_name(name))?;
    Ok(())
}
