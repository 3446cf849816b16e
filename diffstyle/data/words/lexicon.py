"""The words that describe a style, by what they say."""

from __future__ import annotations

from collections.abc import Mapping

Phrases = Mapping[str, tuple[str, ...]]


def listed(text: str) -> Phrases:
    """Entries "name: phrase, phrase" as a table; an entry may go on in lines that hold no colon."""
    entries: list[str] = []
    for line in text.strip().splitlines():
        if ":" in line:
            entries.append(line.strip())
        else:
            entries[-1] += " " + line.strip()
    parts = (entry.partition(":") for entry in entries)
    return {name: tuple(phrase.strip() for phrase in said.split(",")) for name, _, said in parts}


def worded(text: str) -> frozenset[str]:
    return frozenset(text.split())


DRAWN: Phrases = listed(
    """
    halftone: half tone, halftone, halftone print, screen of dots, printed dots, dot screen, rasterised dots
    colour halftone: cmyk, cmyk print, cmyk dots, cmyk halftone, colour halftone, four colour print, process
        print, offset print, coloured dots, colour dots
    newspaper: newspaper, newspaper print, newsprint, newspaper photo, newspaper halftone, old newspaper
    line screen: line screen, line halftone, halftone lines, screen of lines, swelling lines, scan lines print
    spiral: spiral, spiral line, spiral drawing, one line spiral, single line spiral
    crt: crt, crt screen, cathode ray tube, old television, old tv, tv screen, vhs screen, rgb phosphor
    stipple: stipple, stippling, stippled, stipple drawing, dotwork, ink dots, dot drawing, stippelung
    pointillism: pointillism, pointillist, pointillistic, divisionism, divisionist, dots of paint, neo
        impressionism, seurat, georges seurat, signac, paul signac, pointillisme, puntillismo, pointillismus
    low-poly: low poly, lowpoly, low polygon, polygon art, polygonal, triangulated, triangle mesh
    stained glass: stained glass, stained glass window, leaded glass, leaded window, lead glass, church window,
        cathedral window, tiffany glass, vitrail, vitraux, vidriera, buntglas, glasmalerei, glasfenster,
        coloured glass, leadlight, stain glass
    mosaic: mosaic, tesserae, tile mosaic, roman mosaic, byzantine mosaic, mosaik, mosaico, mosaique
    hatching: hatching, hatched, hatch, parallel hatching, hatched drawing, schraffur, pen strokes
    cross-hatching: cross hatching, cross hatched, crosshatching, crosshatched, cross hatch, crosshatch, pen
        hatching, kreuzschraffur, crosshatch drawing
    engraving: engraving, engraved, copperplate, copperplate engraving, steel engraving, wood engraving,
        banknote, guilloche, dollar bill, durer, albrecht durer, dore, gustave dore, kupferstich, gravure, burin
    etching: etching, etched, etched print, drypoint, dry point, aquatint, radierung, etched lines
    contour lines: contour lines, contour map, topographic, topographic map, topography, isolines, elevation
        lines, map lines, height lines
    woodcut: woodcut, wood cut, woodblock, wood block, woodblock print, xylography, holzschnitt, xilografia,
        gravure sur bois, carved wood print
    linocut: linocut, lino cut, lino print, linoprint, linoleum, linoleum print, linoleum cut, linolschnitt
    paper cut: layered paper cut, paper cut,
        papercut, cut paper, paper cutout, paper cut out, layered paper, paper layers,
        scherenschnitt, paper collage, kirigami, construction paper
    ink line drawing: ink line drawing, ink drawing, line art, lineart, line drawing, pen and ink, pen drawing,
        black line drawing, ink lines, ink sketch, pen sketch, inked lines, outline drawing, colouring
        book, manga lines, manga, tuschezeichnung
    pencil drawing: pencil, pencil drawing, pencil sketch, graphite, graphite drawing, sketched portrait,
        bleistift, bleistiftzeichnung, dessin au crayon, graphite pencil
    crayon: crayon, crayon drawing, wax crayon, kids drawing, child drawing, oil pastel crayon, wachsmalstift
    chalk: chalk, chalk drawing, chalkboard, blackboard, chalk on blackboard, chalk on a blackboard, kreide,
        school board, chalk board
    blueprint: blueprint, blue print, technical drawing, technical blueprint, architect drawing, cyanotype,
        cyanotype blueprint, blaupause, construction drawing, engineering drawing
    neon: neon, neon lights, neon sign, neon glow, neon lines, neon edges, glowing lines, glowing outlines, neon
        tubes, tron
    pixel art: pixel art, pixelart, pixels, pixelated, 8 bit, 8bit, 16 bit, 16bit, sprite, retro game, retro
        video game, video game, pixel, pixelkunst, game graphics, nes game, snes
    one-bit: 1 bit, one bit, 1bit, dithered, dither, dithering, floyd steinberg, macintosh, early computer, game
        boy, gameboy
    ascii: ascii, ascii art, text art, typed characters, terminal text, typewriter art
    bricks: bricks, toy bricks, building blocks, lego, lego bricks, brick mosaic, plastic bricks, studs
    cross-stitch: cross stitch, crossstitch, cross stitched, counted cross stitch, needlepoint, kreuzstich
    knitted: knitted, knitting, knit, knitwear, wool sweater, sweater, jumper, woollen, gestrickt, crochet
    embroidery: embroidery, embroidered, satin stitch, needlework, thread painting, stickerei, broderie,
        bordado
    screen print: screen print, screenprint, screen printed, silkscreen, silk screen, serigraph, poster,
        posterised, posterized, silkscreen poster, travel poster, propaganda poster, gig poster, siebdruck,
        plakat, hope poster, duotone poster, flat colour poster
    risograph: risograph, riso, riso print, risograph print, risography, grainy duotone print, zine print
    pop art: pop art, popart, lichtenstein, roy lichtenstein, ben day dots, benday dots, ben day, benday
    warhol: warhol, andy warhol, warhol panels, marilyn panels, four panels, warhol print
    comic: comic, comic book, comic strip, comics, comic panel, graphic novel, cartoon, superhero comic, bande
        dessinee, comic style
    cel shading: cel shading, cel shaded, cell shaded, cell shading, toon, toon shading, toon shaded, anime,
        animated film, anime cel, flat vector illustration, vector art, vector illustration, vector
    glitch: glitch, glitch art, glitched, datamosh, broken signal, corrupted video, vhs glitch, vhs
    """
)
"""Media that follow a rule, and what they are called, in British spelling."""

PAINTED: Phrases = listed(
    """
    watercolour: watercolour, watercolor, aquarelle, acuarela, aquarell, watercolour wash
    wet-in-wet watercolour: wet in wet, wet on wet, wet in wet watercolour, wet on wet watercolour, loose watercolour,
        watercolour bleeding
    oil painting: oil, oils, oil painting, oil paint, oil on canvas, olgemalde
    impasto: impasto, thick paint, brush strokes, brushstrokes, thick oil
    palette knife: palette knife, knife painting, painting knife, spatula painting
    charcoal: charcoal, charcoal drawing, charcoal sketch, kohle, fusain
    pastel: pastel, pastels, soft pastel, pastel drawing, pastel painting
    oil pastel: oil pastel, oil pastels, oil pastel drawing
    coloured pencil: coloured pencil, coloured pencils, coloured pencil drawing, crayons de couleur, buntstift,
        buntstifte, pencil crayon
    sanguine: sanguine, red chalk, sanguine drawing, red chalk drawing
    conte crayon: conte, conte crayon, black and white chalk, trois crayons
    gouache: gouache, poster paint
    encaustic: encaustic, encaustic wax, wax painting, enkaustik
    spray paint: spray paint, spray painted, graffiti, street art, aerosol, stencil graffiti
    batik: batik, batik cloth, wax resist, batik print
    tapestry: tapestry, gobelin, woven tapestry, wandteppich, tapisserie
    acrylic: acrylic, acrylics, acrylic painting
    ink wash: ink wash, sumi e, sumi, wash drawing
    tempera: tempera, egg tempera
    fresco: fresco, mural
    collage: collage, torn paper
    cubist facets: cubist facets, cubist painting, cubist collage
    action painting: action painting, drip painting, paint splatter
    colour field: colour field, colour field painting
    illustration: illustration, storybook illustration, book illustration
    photograph: black and white photo, sepia photo, monochrome photograph
    """
)
"""Media that are painted by `nnst`; no rule of the engine `media` draws them."""

MEDIA: Phrases = {**DRAWN, **PAINTED}

WEAK: Phrases = listed(
    """
    halftone: dot, dotted, spots
    line screen: line, stripes
    hatching: stroke
    ink line drawing: pen, ink, inked, outlines
    low-poly: triangles
    mosaic: tiles
    ascii: letters, characters
    embroidery: stitches, stitched, thread
    pencil drawing: drawing, sketch, sketched, sketchy, hand drawn
    oil painting: painting, painted, paint
    woodcut: block print, relief print, printmaking, carved
    """
)
"""Words that name a medium only where nothing else does."""

WITHIN: Mapping[str, frozenset[str]] = {
    "pop art": frozenset({"halftone", "colour halftone", "comic", "screen print"}),
    "comic": frozenset({"halftone", "colour halftone", "ink line drawing"}),
    "warhol": frozenset({"pop art", "screen print"}),
    "newspaper": frozenset({"halftone"}),
    "colour halftone": frozenset({"halftone"}),
    "engraving": frozenset({"hatching", "cross-hatching"}),
    "etching": frozenset({"hatching", "cross-hatching", "engraving"}),
    "cross-hatching": frozenset({"hatching", "ink line drawing", "pencil drawing"}),
    "hatching": frozenset({"ink line drawing", "pencil drawing"}),
    "stipple": frozenset({"ink line drawing", "pencil drawing"}),
    "crayon": frozenset({"pencil drawing"}),
    "chalk": frozenset({"pencil drawing"}),
    "blueprint": frozenset({"ink line drawing", "pencil drawing"}),
    "neon": frozenset({"ink line drawing"}),
    "cel shading": frozenset({"illustration"}),
    "cross-stitch": frozenset({"embroidery", "hatching"}),
    "bricks": frozenset({"mosaic"}),
    "pixel art": frozenset({"one-bit"}),
    "linocut": frozenset({"woodcut"}),
    "woodcut": frozenset({"ink line drawing"}),
    "knitted": frozenset({"embroidery"}),
    "paper cut": frozenset({"collage"}),
    "pointillism": frozenset({"oil painting"}),
    "impasto": frozenset({"oil painting"}),
    "palette knife": frozenset({"oil painting", "impasto"}),
    "wet-in-wet watercolour": frozenset({"watercolour"}),
    "oil pastel": frozenset({"pastel", "oil painting"}),
    "coloured pencil": frozenset({"pencil drawing", "crayon"}),
    "sanguine": frozenset({"chalk", "pencil drawing"}),
    "conte crayon": frozenset({"chalk", "crayon"}),
    "spray paint": frozenset({"oil painting"}),
    "encaustic": frozenset({"oil painting"}),
    "tapestry": frozenset({"embroidery"}),
}
"""What a medium holds already: named beside it, these say nothing more."""

PAPER = (
    "paper",
    "background",
    "ground",
    "canvas",
    "board",
    "card",
    "cloth",
    "fabric",
    "base",
    "sheet",
    "backdrop",
    "grout",
)
INK = (
    "ink",
    "line",
    "dot",
    "mark",
    "pencil",
    "chalk",
    "pen",
    "print",
    "outline",
    "thread",
    "lead",
    "drawing",
    "stroke",
    "text",
)
STOPS = frozenset(",.;:!?()/")
"""Marks that end a part of a sentence."""
NEGATIONS = (
    *("no", "without", "not", "minus", "never", "avoid", "except", "sans", "ohne", "non", "nothing", "skip", "omit"),
    *("dont", "doesnt", "isnt", "shouldnt", "wont", "statt", "anstatt"),
)
NEGATING_PAIRS = (
    *(("anything", "but"), ("everything", "but"), ("all", "but"), ("instead", "of"), ("rather", "than")),
    *(("other", "than"), ("place", "of"), ("opposed", "to"), ("leave", "out"), ("free", "of")),
)
ENDS = ("but", "with", "in", "on", "just", "only", "instead", "please", "use")
"""Words that end a negation; but "not in" negates, and "not only" does not."""
ALWAYS_END = ("but", "just", "only")
MORE = {"mostly": 3.0, "mainly": 3.0, "primarily": 3.0, "predominantly": 3.0, "strongly": 2.0}
LESS = {"slightly": 0.35, "hint": 0.35, "touch": 0.35, "bit": 0.35, "little": 0.35, "some": 0.5, "partly": 0.5}
EVENLY = ("half", "equal", "equally", "evenly")
ON = ("on", "against", "onto", "over")
ARTICLES = ("a", "an", "the", "toned", "old")
INTO = ("in", "using")
"""Words before what a picture is made in: "in chalk"."""
PLACES = ("on", "in", "at", "by", "under", "near", "beside", "and")
THINGS = worded(
    """
    oil chalk charcoal newspaper spiral brick tile letter character thread sweater jumper poster stud blackboard
    chalkboard banknote mural sprite vector topography elevation tempera pastel triangle
    """
)
"""Names of media that are things besides: before a noun they describe it, as in "oil rig"."""
SHADING = worded("dark darker light lighter pale bright deep dunkl dunkle dunkler dunklen helle heller hellen")
"""Adjectives that shade the colour after them."""
EXTRA: Mapping[str, Phrases] = {
    "tone": listed(
        """
        dark: darker, gloomy, night, moody
        light: lighter, brighter, sunny
        """
    ),
    "grain": listed(
        """
        coarse: coarser, coarsely, chunky, large, big, large dots, big dots, huge, thick, thick lines, large tiles
        fine: finer, finely, tiny, small, small dots, tiny dots, thin, dense, small tiles, intricate
        """
    ),
    "saturation": listed(
        """
        grey: greyscale, grayscale, b w, colourless
        vivid: vibrant, bold colours, lively, neon colours
        """
    ),
    "colour": listed(
        """
        black: ebony
        sepia: sepia toned, sepia tone, sepia ink
        gold: golden, amber
        teal: teal green, teal blue
        dark teal: dark turquoise
        slate blue: slate
        dark grey: anthracite
        tan: light brown
        violet: light purple
        red: cherry, ruby
        green: phosphor green
        navy blue: midnight blue, midnight
        pale blue: ice blue, powder blue
        """
    ),
}
"""Phrasings beside those of the captions."""

_FILLERS = """
    x pls plz thanks thx hey hi deep soft whole super
    accent highlight shadow shading border leaf splash contour glow wool yarn glaze edge gap pigment stripe detail
    cardboard slate velvet linen cotton panel wood copper plank
    if were was are be been built two three four one cut there where when they them he she his her which what kind sort
    can could should must lots lot many few much how about across every each other another same type form form
    a aesthetic against age all american an and antique around art artistic artwork as at backdrop background be
    beautiful between blend board by canvas card century classic clean cloth colour coloured colours combination
    combined contemporary convert cool design done dot dots drawn effect era european fabric famous feel feeling
    for from give great ground half hand handmade high hue i id image in ink inks inspiration inspired into is it
    its japanese just landscape lead leads left less like line lit look looking looks loose loosely made make manner
    mark masterpiece me medium minimal minimalist mix mixed modern more my nice of old on only or outline over palette
    paper part photo photograph photos picture piece please portrait pretty print printed quality quite rather
    really render rendered rendering rest retro right scheme school shade sheet simple so some stroke style styled
    stylised stylized technique texture textured that the this through tint tinted to tone toned tones too
    traditional turn turned under use used using version very vibe vintage want way with work would your
"""
FILLERS = worded(_FILLERS)
"""Words that say nothing about a medium or a colour."""
