//! What a path of straight lines shows: ruling lines, filled areas, or a drawing.
//!
//! One path may hold the borders of a whole table, each a thin rectangle of its own.

/// A straight part of a path, as a box in pixels.
pub(super) type StraightLine = [f32; 4];

/// The lines from one starting point of a path to the next.
pub(super) type Subpath = Vec<StraightLine>;

/// Value of a colour's parts above which it is white.
pub(super) const WHITE: u8 = 250;
/// Most corners of a filled polygon that is taken for its box: a card with a cut corner.
const PLAIN_LINES: usize = 6;
/// Distance in pixels from a side of the box at which a line is that side.
const ON_SIDE: f32 = 0.7;

/// What a filled path shows.
#[derive(Debug, Default, PartialEq)]
pub(super) struct FilledShapes {
    /// Thin rectangles.
    pub rulings: Vec<[f32; 4]>,
    /// Other rectangles.
    pub fills: Vec<[f32; 4]>,
    /// `true` if there is something else, too.
    pub is_drawing: bool,
}

/// Sorts the parts of a filled path; rectangles up to `thin` pixels wide or high are rulings, and so are the four sides of
/// a rectangle with a hole that leaves no more of it.
pub(super) fn filled(subpaths: &[Subpath], thin: f32) -> FilledShapes {
    let mut out = FilledShapes::default();
    let mut areas: Vec<[f32; 4]> = Vec::new();
    let is_alone = subpaths.iter().filter(|lines| !lines.is_empty()).count() == 1;
    for lines in subpaths {
        let Some(bounds) = bounds(lines) else {
            continue;
        };
        let [x1, y1, x2, y2] = bounds;
        if (x2 - x1).min(y2 - y1) <= thin {
            out.rulings.push(bounds);
        } else if is_rectangle(lines, &bounds) || is_alone && lines.len() <= PLAIN_LINES {
            areas.push(bounds);
        } else {
            out.is_drawing = true;
        }
    }
    // The hole of a frame follows the rectangle that it is cut out of, or comes before it.
    let mut at = 0;
    while at < areas.len() {
        let frame = areas.get(at + 1).and_then(|next| {
            sides(&areas[at], next, thin).or_else(|| sides(next, &areas[at], thin))
        });
        match frame {
            Some(sides) => {
                out.rulings.extend(sides);
                at += 2;
            }
            None => {
                out.fills.push(areas[at]);
                at += 1;
            }
        }
    }
    out
}

/// Takes the pictures among `images` that are rules: those of `thin`, in the same order, but not the strips of a larger
/// picture, which follow each other.
pub(super) fn rules_among(thin: &[[f32; 4]], images: &mut Vec<[f32; 4]>) -> Vec<[f32; 4]> {
    let touch = |a: &[f32; 4], b: &[f32; 4]| {
        let near = |at: usize, to: usize| (a[at] - b[to]).abs() <= ON_SIDE;
        let (level, upright) = (near(0, 0) && near(2, 2), near(1, 1) && near(3, 3));
        level && (near(3, 1) || near(1, 3)) || upright && (near(2, 0) || near(0, 2))
    };
    let mut thin = thin.iter().peekable();
    let is_rule: Vec<bool> = (0..images.len())
        .map(|at| {
            let beside = [at.checked_sub(1), Some(at + 1)].into_iter().flatten();
            let mut beside = beside.filter_map(|other| images.get(other));
            let is_thin = thin.next_if(|own| **own == images[at]).is_some();
            is_thin && !beside.any(|other| touch(&images[at], other))
        })
        .collect();
    let mut rules = is_rule.iter();
    let (taken, left) = std::mem::take(images)
        .into_iter()
        .partition(|_| *rules.next().unwrap_or(&false));
    *images = left;
    taken
}

fn bounds(lines: &[StraightLine]) -> Option<[f32; 4]> {
    lines.iter().copied().reduce(|a, b| {
        [
            a[0].min(b[0]),
            a[1].min(b[1]),
            a[2].max(b[2]),
            a[3].max(b[3]),
        ]
    })
}

/// `true` if every line is a side of the box, and each side is drawn but one that closing the path implies.
fn is_rectangle(lines: &[StraightLine], [x1, y1, x2, y2]: &[f32; 4]) -> bool {
    let near = |a: f32, b: &f32| (a - b).abs() <= ON_SIDE;
    let mut drawn = [false; 4];
    for line in lines {
        let is_side = [
            near(line[0], x1) && near(line[2], x1),
            near(line[1], y1) && near(line[3], y1),
            near(line[0], x2) && near(line[2], x2),
            near(line[1], y2) && near(line[3], y2),
        ];
        let mut is_any = false;
        for (drawn, is_side) in drawn.iter_mut().zip(is_side) {
            *drawn |= is_side;
            is_any |= is_side;
        }
        if !is_any {
            return false;
        }
    }
    drawn.iter().filter(|is_drawn| **is_drawn).count() >= 3
}

/// The sides of a rectangle with a hole, if all are thin.
fn sides(outer: &[f32; 4], hole: &[f32; 4], thin: f32) -> Option<[[f32; 4]; 4]> {
    let ([x1, y1, x2, y2], [a1, b1, a2, b2]) = (*outer, *hole);
    let is_thin = [a1 - x1, b1 - y1, x2 - a2, y2 - b2]
        .iter()
        .all(|margin| (0.0..=thin).contains(margin));
    is_thin.then_some([
        [x1, y1, x2, b1],
        [x1, b2, x2, y2],
        [x1, y1, a1, y2],
        [a2, y1, x2, y2],
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thin_pictures_are_rules_unless_they_are_strips_of_one() {
        let rule = [10.0, 50.0, 200.0, 51.0];
        let strip = |at: f32| [0.0, at, 300.0, at + 2.0];
        let photo = [0.0, 100.0, 300.0, 200.0];
        let mut images = vec![rule, photo, strip(300.0), strip(302.0), strip(304.0)];
        let thin = [rule, strip(300.0), strip(302.0), strip(304.0)];
        assert_eq!(rules_among(&thin, &mut images), [rule]);
        assert_eq!(images, [photo, strip(300.0), strip(302.0), strip(304.0)]);
    }

    fn rectangle([x1, y1, x2, y2]: [f32; 4]) -> Subpath {
        vec![
            [x1, y1, x2, y1],
            [x2, y1, x2, y2],
            [x1, y2, x2, y2],
            [x1, y1, x1, y2],
        ]
    }

    #[test]
    fn each_part_of_a_path_is_what_it_is_alone() {
        let row = [
            rectangle([0.0, 0.0, 1.0, 32.0]),
            rectangle([0.0, 31.0, 124.0, 32.0]),
            rectangle([10.0, 4.0, 60.0, 28.0]),
        ];
        let shapes = filled(&row, 4.4);
        assert_eq!(
            shapes.rulings,
            [[0.0, 0.0, 1.0, 32.0], [0.0, 31.0, 124.0, 32.0]]
        );
        assert_eq!(shapes.fills, [[10.0, 4.0, 60.0, 28.0]]);
        assert!(!shapes.is_drawing);
    }

    #[test]
    fn a_rectangle_with_a_hole_is_a_frame() {
        let (outer, hole) = (
            rectangle([0.0, 0.0, 100.0, 80.0]),
            rectangle([2.0, 2.0, 98.0, 78.0]),
        );
        let shapes = filled(&[outer.clone(), hole.clone()], 4.4);
        assert_eq!((shapes.rulings.len(), shapes.fills.len()), (4, 0));
        assert_eq!(filled(&[hole, outer], 4.4).rulings, shapes.rulings);
    }

    #[test]
    fn other_polygons_are_drawings() {
        let triangle = vec![
            [0.0, 0.0, 50.0, 0.0],
            [50.0, 0.0, 50.0, 60.0],
            [0.0, 0.0, 0.4, 60.0],
            [20.0, 30.0, 40.0, 30.0],
        ];
        let other = rectangle([70.0, 0.0, 100.0, 40.0]);
        assert!(filled(&[triangle, other], 4.4).is_drawing);
    }
}
