"""What paper, scanners, cameras and programs do to a picture of a page, by seed.

Each damage takes a picture (height x width x 3, 0 to 255) and its parameters after a generator of random numbers, and gives a picture.
`apply` runs steps such as `("rotate", 1.5)` one after the other.
"""
import cv2
import numpy as np


def noise(rng, height, width, cell):
    """Smooth noise from -1 to 1 whose spots are about `cell` pixels wide."""
    small = rng.uniform(-1, 1, (height // cell + 3, width // cell + 3)).astype(np.float32)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def clip(picture):
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def rotate(rng, picture, degrees, ground=None):
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    ground = picture[2, 2].tolist() if ground is None else [ground] * 3
    return cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_CUBIC, borderValue=ground)


def quarter(rng, picture, turns):
    """Turned counterclockwise by quarters."""
    return np.ascontiguousarray(np.rot90(picture, turns))


def scale(rng, picture, factor):
    height, width = picture.shape[:2]
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return cv2.resize(picture, (round(width * factor), round(height * factor)), interpolation=way)


def table(rng, height, width):
    """A wooden table."""
    grain = noise(rng, height, width, 90) * 14 + cv2.resize(noise(rng, 64, width, 5), (width, height)) * 16
    return np.stack([grain + 122, grain + 86, grain + 54], axis=2)


def photo(rng, picture, strength=0.06, curve=0.0, shadow=0.35):
    """Lies on a table, seen at an angle; `curve` bends the page as in an open book (part of the height), `shadow` darkens a side."""
    height, width = picture.shape[:2]
    page = picture.astype(np.float32)
    if curve:
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        bend = curve * height * np.sin(x / width * np.pi) ** 2 * (1 - 0.4 * y / height)
        squeeze = x + 0.02 * width * np.sin(x / width * 2 * np.pi)
        page = cv2.remap(page, squeeze, y + bend - curve * height * 0.5, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        fold = 1 - 0.45 * np.exp(-np.arange(width, dtype=np.float32) / (0.07 * width))  # the fold at the left
        page *= fold[None, :, None]
    margin_x, margin_y = int(width * 0.07), int(height * 0.06)
    out = (height + 2 * margin_y, width + 2 * margin_x)
    start = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    shift = rng.uniform(-strength, strength, (4, 2)).astype(np.float32) * np.float32([width, height])
    end = start + np.float32([margin_x, margin_y]) + np.clip(shift, -min(margin_x, margin_y), min(width, height) * strength)
    matrix = cv2.getPerspectiveTransform(start, end)
    warped = cv2.warpPerspective(page, matrix, (out[1], out[0]), flags=cv2.INTER_CUBIC)
    mask = cv2.warpPerspective(np.ones((height, width), np.float32), matrix, (out[1], out[0]))[:, :, None]
    result = warped * mask + table(rng, *out) * (1 - mask)
    if shadow:
        side = np.linspace(0, 1, out[1], dtype=np.float32)[None, :] + np.linspace(0, 0.5, out[0], dtype=np.float32)[:, None]
        edge = 1 / (1 + np.exp(-(side - 0.75) * 9))
        light = 1 - shadow * edge + 0.05 * noise(rng, *out, 200)
        result *= light[:, :, None]
    return clip(result + rng.normal(0, 3, result.shape))


def fax(rng, picture, threshold=150, speckle=0.0006):
    """Black and white, rough at the edges, with specks."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    grey += rng.normal(0, 22, grey.shape)
    dark = grey < threshold
    dark ^= rng.random(grey.shape) < speckle
    return np.repeat(np.where(dark, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def bleed(rng, picture, other, strength=0.22):
    """The back of the leaf, mirrored and blurred, shows through."""
    height, width = picture.shape[:2]
    back = cv2.GaussianBlur(cv2.resize(other, (width, height), interpolation=cv2.INTER_AREA)[:, ::-1], (0, 0), 1.2)
    return clip(picture.astype(np.float32) - (255 - back.astype(np.float32)) * strength)


def paper(rng, picture, strength=1.0):
    """Yellowed paper with stains and fibres."""
    height, width = picture.shape[:2]
    tone = 236 + strength * (10 * noise(rng, height, width, 160) + 6 * noise(rng, height, width, 24) + rng.normal(0, 5, (height, width)))
    ground = np.stack([tone, tone - 9 * strength, tone - 30 * strength], axis=2) / 255
    for _ in range(int(2 * strength)):
        cy, cx, r = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(0.06, 0.14) * height
        y, x = np.ogrid[:height, :width]
        distance = np.hypot(y - cy, x - cx) / r
        ground *= (1 - 0.16 * np.exp(-((distance - 1) * 6) ** 2) - 0.06 * (distance < 1))[:, :, None]
    ink = 40 * strength
    return clip((picture * (255 - ink) / 255 + ink) * ground)


def motion(rng, picture, length=7, degrees=20):
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1
    kernel = cv2.warpAffine(kernel, cv2.getRotationMatrix2D((length / 2 - 0.5, length / 2 - 0.5), degrees, 1), (length, length))
    return cv2.filter2D(picture, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def faint(rng, picture, low=150, high=205):
    """Low contrast."""
    return clip(picture.astype(np.float32) / 255 * (high - low) + low + rng.normal(0, 4, picture.shape))


def scan(rng, picture, grain=4):
    """A good scanner: slightly soft, with grain."""
    return clip(cv2.GaussianBlur(picture, (0, 0), 0.6).astype(np.float32) + rng.normal(0, grain, picture.shape[:2])[:, :, None])


def invert(rng, picture):
    return 255 - picture


def jpeg(rng, picture, quality):
    """Encoded and decoded once with strong losses; the file itself may keep more."""
    _, data = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1])


STEPS = {f.__name__: f for f in (rotate, quarter, scale, photo, fax, bleed, paper, motion, faint, scan, invert, jpeg)}


def apply(picture, steps, seed, render):
    """Runs the steps; `render(name)` gives the plain picture of another document, which `bleed` names."""
    rng = np.random.default_rng(seed)
    for name, *parameters in steps:
        if name == "bleed":
            parameters[0] = render(parameters[0])
        picture = STEPS[name](rng, picture, *parameters)
    return picture
