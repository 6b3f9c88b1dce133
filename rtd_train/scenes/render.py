"""Paint a scene: a small picture with a background, things in their places, and the small accidents of a photograph.

Pillow draws at several times the size and shrinks, which smooths the edges. Position, shade and light vary with the random
generator, so two pictures of one scene are not the same picture.
"""

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from rtd_train.scenes.world import Scene, Thing

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

SIZE = 48
_SCALE = 3
_CANVAS = SIZE * _SCALE

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]

_PAINT: dict[str, Colour] = {
    "red": (208, 32, 36),
    "blue": (36, 72, 206),
    "green": (20, 130, 48),
    "yellow": (246, 220, 40),
    "orange": (244, 136, 24),
    "purple": (128, 44, 150),
    "white": (250, 250, 250),
    "black": (22, 22, 26),
}
# Place -> sky, ground, and the height at which they meet.
_PLACES: dict[str, tuple[Colour, Colour, float]] = {
    "meadow": ((168, 214, 246), (142, 200, 98), 0.42),
    "forest": ((78, 118, 84), (88, 98, 58), 0.62),
    "desert": ((250, 226, 180), (228, 186, 118), 0.46),
    "beach": ((110, 186, 222), (240, 220, 170), 0.55),
    "snowy field": ((196, 206, 220), (234, 240, 246), 0.44),
    "city street": ((176, 172, 174), (112, 112, 118), 0.66),
}
_EXTENT = {"small": 0.2, "medium": 0.31, "large": 0.44}
# Several things share the room of one and a half.
_SHRINK = {1: 1.0, 2: 0.82, 3: 0.7, 4: 0.6}


def render(scene: Scene, rng: random.Random) -> "Image":
    """Return the picture of a scene, `SIZE` by `SIZE`, RGB."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (_CANVAS, _CANVAS))
    _background(ImageDraw.Draw(image), scene.place, rng)
    placed = _place(scene, rng)
    # What is behind is painted first.
    order = range(len(placed)) if scene.relation != "in front of" else (1, 0, *range(2, len(placed)))
    for index in order:
        _paint_group(image, scene.things[index], placed[index], rng)
    if scene.time == "night":
        image = Image.blend(image, Image.new("RGB", image.size, (8, 10, 48)), rng.uniform(0.52, 0.6))
    light = rng.uniform(0.92, 1.08)
    return image.reduce(_SCALE).point(lambda value: min(255, int(value * light)))


def _place(scene: Scene, rng: random.Random) -> list[tuple[float, float]]:
    """Return the centre of each thing on the unit square; relations are seen from the front, `on` and `under` share a column."""
    x, y = 0.5 + rng.uniform(-0.08, 0.08), 0.56 + rng.uniform(-0.06, 0.06)
    if len(scene.things) == 1:
        return [(x, y)]
    a, b = (_half(thing) for thing in scene.things[:2])
    side = rng.choice((-1, 1))
    if len(scene.things) == 3:
        x = 0.5 + side * 0.14
    if scene.relation == "beside":
        gap = min(a + b + 0.03, 0.44)
        centres = [(x - side * gap / 2, y), (x + side * gap / 2, y)]
    elif scene.relation in ("on", "under"):
        gap = (a + b) * (0.92 if scene.relation == "on" else -0.92)
        centres = [(x, y - gap / 2), (x, y + gap / 2)]
    else:
        # Nearer things stand lower in a picture and cover those behind them.
        depth = 0.55 * min(a, b) * (1 if scene.relation == "in front of" else -1)
        centres = [(x + side * 0.5 * a, y + depth), (x - side * 0.35 * b, y - depth)]
    if len(scene.things) == 3:
        centres.append((0.5 - side * 0.32, y + rng.uniform(-0.12, 0.12)))
    return centres


def _half(thing: Thing) -> float:
    return _EXTENT[thing.size] / 2 * (1.0 if thing.number == 1 else 1.25)


def _paint_group(image: "Image", thing: Thing, centre: tuple[float, float], rng: random.Random) -> None:
    extent = _EXTENT[thing.size] * _SHRINK[thing.number]
    step = extent * 0.86
    columns = min(thing.number, 2)
    for place in range(thing.number):
        column, row = place % 2, place // 2
        rows = (thing.number + 1) // 2
        x = centre[0] + (column - (columns - 1) / 2) * step * 1.12
        y = centre[1] + (row - (rows - 1) / 2) * step * 1.12
        if thing.number == 3 and row == 1:
            x = centre[0]
        half = extent / 2
        _paint_thing(image, thing, ((x - half) * _CANVAS, (y - half) * _CANVAS, (x + half) * _CANVAS, (y + half) * _CANVAS), rng)


def _paint_thing(image: "Image", thing: Thing, box: Box, rng: random.Random) -> None:
    """Paint one thing: its silhouette filled with colour and texture, an outline, and what tells its kind."""
    from PIL import Image, ImageDraw

    colour = _shade(_PAINT[thing.colour], rng.uniform(0.94, 1.04))
    size = max(4, round(box[2] - box[0]))
    mask = Image.new("L", (size, size))
    _SHAPES[thing.noun](ImageDraw.Draw(mask), size)
    fill = _texture(thing.texture, colour, size)
    corner = (round(box[0]), round(box[1]))
    # A thin dark rim keeps white things apart from snow.
    rim = Image.new("RGB", (size, size), (70, 70, 74) if thing.colour != "black" else (150, 150, 156))
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        image.paste(rim, (corner[0] + dx, corner[1] + dy), mask)
    image.paste(fill, corner, mask)
    detail = ImageDraw.Draw(image)
    if thing.noun in _DETAILS:
        _DETAILS[thing.noun](detail, corner, size)


def _texture(texture: str, colour: Colour, size: int) -> "Image":
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (size, size), colour)
    draw = ImageDraw.Draw(image)
    ink = (252, 252, 252) if sum(colour) < 560 else (60, 60, 66)
    step = max(6, size // 3)
    if texture == "striped":
        for x in range(0, size, step):
            draw.rectangle((x, 0, x + step // 2 - 1, size), fill=ink)
    elif texture == "checkered":
        for number in range(size // step + 1):
            for other in range(number % 2, size // step + 1, 2):
                draw.rectangle((number * step, other * step, (number + 1) * step - 1, (other + 1) * step - 1), fill=ink)
    elif texture == "polka-dot":
        radius = step * 0.3
        for number in range(size // step + 1):
            for other in range(size // step + 1):
                across, down = (number + 0.5) * step, (other + 0.5) * step
                draw.ellipse((across - radius, down - radius, across + radius, down + radius), fill=ink)
    return image


def _shade(colour: Colour, factor: float) -> Colour:
    red, green, blue = (max(0, min(255, round(value * factor))) for value in colour)
    return red, green, blue


def _background(draw: "ImageDraw", place: str, rng: random.Random) -> None:
    sky, ground, horizon = _PLACES[place]
    edge = (horizon + rng.uniform(-0.04, 0.04)) * _CANVAS
    draw.rectangle((0, 0, _CANVAS, edge), fill=_shade(sky, rng.uniform(0.95, 1.05)))
    draw.rectangle((0, edge, _CANVAS, _CANVAS), fill=_shade(ground, rng.uniform(0.95, 1.05)))
    if place in _SIGHTS:
        _SIGHTS[place](draw, edge, rng)


def _trees(draw: "ImageDraw", edge: float, rng: random.Random) -> None:
    for number in range(6):
        x, width = (number + rng.uniform(0.1, 0.9)) * _CANVAS / 6, rng.uniform(3, 6)
        draw.rectangle((x, 0, x + width, edge + 6), fill=(66, 46, 30))


def _houses(draw: "ImageDraw", edge: float, rng: random.Random) -> None:
    for number in range(4):
        left, top = number * _CANVAS / 4, rng.uniform(0.05, 0.35) * _CANVAS
        draw.rectangle((left + 2, top, left + _CANVAS / 4 - 2, edge), fill=_shade((134, 116, 108), rng.uniform(0.8, 1.1)))
        for row in range(int(top) + 6, int(edge) - 6, 12):
            draw.rectangle((left + 9, row, left + 15, row + 5), fill=(216, 210, 170))
            draw.rectangle((left + 21, row, left + 27, row + 5), fill=(216, 210, 170))
    draw.rectangle((0, 0.86 * _CANVAS, _CANVAS, 0.88 * _CANVAS), fill=(226, 226, 214))


def _sea(draw: "ImageDraw", edge: float, _rng: random.Random) -> None:
    draw.rectangle((0, edge * 0.55, _CANVAS, edge), fill=(36, 110, 170))


def _dunes(draw: "ImageDraw", edge: float, rng: random.Random) -> None:
    x = rng.uniform(0.1, 0.6) * _CANVAS
    draw.ellipse((x - 50, edge - 12, x + 60, edge + 30), fill=(216, 170, 100))


_SIGHTS: dict[str, Callable[["ImageDraw", float, random.Random], None]] = {
    "forest": _trees,
    "city street": _houses,
    "beach": _sea,
    "desert": _dunes,
}


def _scaled(size: int, *points: tuple[float, float]) -> list[tuple[float, float]]:
    return [(x * (size - 1), y * (size - 1)) for x, y in points]


def _ball(draw: "ImageDraw", size: int) -> None:
    draw.ellipse((0, 0, size - 1, size - 1), fill=255)


def _football(draw: "ImageDraw", size: int) -> None:
    draw.ellipse((0, 0.22 * size, size - 1, 0.78 * size), fill=255)


def _kite(draw: "ImageDraw", size: int) -> None:
    draw.polygon(_scaled(size, (0.5, 0), (0.92, 0.34), (0.5, 0.84), (0.08, 0.34)), fill=255)
    draw.line(_scaled(size, (0.5, 0.8), (0.36, 0.9), (0.56, 1)), fill=255, width=2)


def _balloon(draw: "ImageDraw", size: int) -> None:
    draw.ellipse((0.18 * size, 0, 0.82 * size, 0.74 * size), fill=255)
    draw.line(_scaled(size, (0.5, 0.72), (0.5, 1)), fill=255, width=max(2, size // 16))


def _chair(draw: "ImageDraw", size: int) -> None:
    draw.rectangle((0.16 * size, 0, 0.34 * size, size), fill=255)
    draw.rectangle((0.16 * size, 0.48 * size, 0.86 * size, 0.64 * size), fill=255)
    draw.rectangle((0.7 * size, 0.5 * size, 0.86 * size, size), fill=255)


def _bench(draw: "ImageDraw", size: int) -> None:
    draw.rectangle((0, 0.24 * size, size, 0.4 * size), fill=255)
    draw.rectangle((0, 0.52 * size, size, 0.66 * size), fill=255)
    for x in (0.08, 0.8):
        draw.rectangle((x * size, 0.3 * size, (x + 0.12) * size, 0.92 * size), fill=255)


def _car(draw: "ImageDraw", size: int) -> None:
    draw.rectangle((0, 0.46 * size, size, 0.72 * size), fill=255)
    draw.polygon(_scaled(size, (0.18, 0.48), (0.32, 0.24), (0.68, 0.24), (0.82, 0.48)), fill=255)
    _wheels(draw, size)


def _truck(draw: "ImageDraw", size: int) -> None:
    draw.rectangle((0, 0.08 * size, 0.64 * size, 0.74 * size), fill=255)
    draw.rectangle((0.68 * size, 0.36 * size, size, 0.74 * size), fill=255)
    draw.rectangle((0, 0.68 * size, size, 0.76 * size), fill=255)
    _wheels(draw, size)


def _wheels(draw: "ImageDraw", size: int) -> None:
    for x in (0.22, 0.78):
        draw.ellipse(((x - 0.13) * size, 0.62 * size, (x + 0.13) * size, 0.88 * size), fill=255)


def _pillow(draw: "ImageDraw", size: int) -> None:
    points = ((0, 0.14), (0.5, 0.26), (1, 0.14), (0.9, 0.5), (1, 0.86), (0.5, 0.74), (0, 0.86), (0.1, 0.5))
    draw.polygon(_scaled(size, *points), fill=255)


def _box(draw: "ImageDraw", size: int) -> None:
    draw.rectangle((0.06 * size, 0.14 * size, 0.94 * size, size), fill=255)
    draw.rectangle((0, 0.08 * size, size, 0.3 * size), fill=255)


_SHAPES: dict[str, Callable[["ImageDraw", int], None]] = {
    "ball": _ball,
    "football": _football,
    "kite": _kite,
    "balloon": _balloon,
    "chair": _chair,
    "bench": _bench,
    "car": _car,
    "truck": _truck,
    "pillow": _pillow,
    "box": _box,
}


def _tyres(draw: "ImageDraw", corner: tuple[int, int], size: int) -> None:
    for x in (0.22, 0.78):
        left, top = corner[0] + (x - 0.1) * size, corner[1] + 0.66 * size
        draw.ellipse((left, top, left + 0.2 * size, top + 0.2 * size), fill=(40, 40, 44))


def _lid(draw: "ImageDraw", corner: tuple[int, int], size: int) -> None:
    y = corner[1] + 0.3 * size
    draw.line((corner[0], y, corner[0] + size, y), fill=(60, 60, 64), width=2)


_DETAILS: dict[str, Callable[["ImageDraw", tuple[int, int], int], None]] = {"car": _tyres, "truck": _tyres, "box": _lid}
