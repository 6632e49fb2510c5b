//! The parts of a form as the dialects of others have them: files under one name, and texts, of which those that nobody
//! knows are left alone.

use super::jobs::{form, next_chunk, next_field, one_more, text_field};
use crate::serve::error::ApiError;
use crate::serve::names::clean_name;
use crate::serve::order::Order;
use crate::serve::state::Server;
use crate::serve::upload::Budget;
use axum::extract::Request;
use axum::extract::multipart::Field;
use axum::http::header::CONTENT_TYPE;
use std::sync::Arc;

/// Most bytes of parts that nobody reads. A client that is still sending does not see an answer before that.
const MOST_PASSED_OVER: usize = 64 << 20;

/// What came besides files.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Texts by name, in order.
    pub texts: Vec<(String, String)>,
}

impl Parts {
    /// `true` if there is a text of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.texts.iter().any(|(known, _)| known == name)
    }
}

/// Receives a form: the files named `name` go to the order, as long as `take` lets them in by their own names. After a
/// refusal the rest is read and dropped, so that the client sees the answer. What is no form has no parts.
pub(super) async fn receive(
    server: &Arc<Server>,
    order: &mut Order,
    request: Request,
    name: &str,
    mut take: impl FnMut(&str) -> Result<(), ApiError>,
) -> Result<Parts, ApiError> {
    let mut parts = Parts::default();
    let kind = request.headers().get(CONTENT_TYPE);
    let kind = kind
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if !kind
        .trim_start()
        .to_ascii_lowercase()
        .starts_with("multipart/form-data")
    {
        return Ok(parts);
    }
    let mut budget = Budget::new(server);
    let mut form = form(&budget, server, request).await?;
    let mut refusal = None;
    let mut passed = 0;
    while let Some(mut field) = next_field(&mut budget, server, &mut form).await? {
        let (field_name, file_name) = (field.name().unwrap_or_default(), field.file_name());
        let is_wanted = field_name == name && refusal.is_none();
        match file_name.map(String::from) {
            Some(file_name) if is_wanted => {
                let taken = take(&file_name).and_then(|()| one_more(server, &order.incoming));
                if let Err(error) = taken {
                    refusal = Some(error);
                    pass_over(&budget, server, &mut field, &mut passed).await?;
                    continue;
                }
                let mut file = order.incoming.begin()?;
                while let Some(piece) = next_chunk(&budget, server, &mut field).await? {
                    budget.write(&mut file, &piece)?;
                }
                order.incoming.end(file, clean_name(&file_name))?;
            }
            Some(_) => pass_over(&budget, server, &mut field, &mut passed).await?,
            None => {
                let field_name = field_name.to_string();
                let text = text_field(&mut budget, server, &mut field).await?;
                parts.texts.push((field_name, text));
            }
        }
    }
    refusal.map_or(Ok(parts), Err)
}

async fn pass_over(
    budget: &Budget<'_>,
    server: &Server,
    field: &mut Field<'_>,
    passed: &mut usize,
) -> Result<(), ApiError> {
    while let Some(piece) = next_chunk(budget, server, field).await? {
        *passed += piece.len();
        if *passed > MOST_PASSED_OVER {
            return Err(ApiError::bad_request("a part of the form is not wanted"));
        }
    }
    Ok(())
}
