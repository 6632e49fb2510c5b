//! Transforms from the space of objects to pixels of the page.

/// `[a, b, c, d, e, f]`: x' = a x + c y + e, y' = b x + d y + f.
pub(super) type Transform = [f32; 6];

pub(super) const IDENTITY: Transform = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

pub(super) fn apply(m: &Transform, x: f32, y: f32) -> (f32, f32) {
    (m[0] * x + m[2] * y + m[4], m[1] * x + m[3] * y + m[5])
}

/// The transform that applies `inner`, then `outer`.
pub(super) fn concat(inner: &Transform, outer: &Transform) -> Transform {
    let (a, b) = (
        outer[0] * inner[0] + outer[2] * inner[1],
        outer[1] * inner[0] + outer[3] * inner[1],
    );
    let (c, d) = (
        outer[0] * inner[2] + outer[2] * inner[3],
        outer[1] * inner[2] + outer[3] * inner[3],
    );
    let (e, f) = apply(outer, inner[4], inner[5]);
    [a, b, c, d, e, f]
}

pub(super) fn apply_box(m: &Transform, [x1, y1, x2, y2]: [f32; 4]) -> [f32; 4] {
    let corners = [
        apply(m, x1, y1),
        apply(m, x2, y1),
        apply(m, x1, y2),
        apply(m, x2, y2),
    ];
    let fold = |f: fn(f32, f32) -> f32, pick: fn(&(f32, f32)) -> f32| {
        corners.iter().map(pick).reduce(f).unwrap_or(0.0)
    };
    [
        fold(f32::min, |c| c.0),
        fold(f32::min, |c| c.1),
        fold(f32::max, |c| c.0),
        fold(f32::max, |c| c.1),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_apply_from_the_inside_out() {
        let double = [2.0, 0.0, 0.0, 2.0, 0.0, 0.0];
        let shift = [1.0, 0.0, 0.0, 1.0, 10.0, 0.0];
        assert_eq!(apply(&concat(&double, &shift), 3.0, 4.0), (16.0, 8.0));
        assert_eq!(apply(&concat(&shift, &double), 3.0, 4.0), (26.0, 8.0));
        assert_eq!(
            apply_box(&[0.0, 1.0, -1.0, 0.0, 0.0, 0.0], [1.0, 2.0, 3.0, 5.0]),
            [-5.0, 1.0, -2.0, 3.0]
        );
    }
}
