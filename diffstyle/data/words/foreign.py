"""Words of German, French, Spanish and Italian, without accents: the commonest media, colours and adjectives."""

from __future__ import annotations

from collections.abc import Mapping

from diffstyle.data.words.lexicon import Phrases, listed, worded

_ENDINGS = ("", "e", "er", "en", "em")


def _inflected(text: str) -> Phrases:
    """As `listed`, where "schwarz~" stands for the word with any ending of a German adjective."""
    return {
        name: tuple(phrase.replace("~", end) for phrase in said for end in (_ENDINGS if "~" in phrase else ("",)))
        for name, said in listed(text).items()
    }


PHRASES: Mapping[str, Phrases] = {
    "tone": _inflected(
        """
        dark: dunkel, dunkl~, duster~, sombre, fonce, foncee, oscuro, oscura, scuro, scura, cupo, sombrio
        light: helle, heller, hellen, hellem, sehr hell, und hell, hell und, clair, claire, claro, clara, chiaro,
            chiara, lumineux, lumineuse, luminoso, luminosa
        """
    ),
    "grain": _inflected(
        """
        coarse: grob~, grosse, grosser, grossen, gros, grossier, grossiere, grande, grandi, grueso, gruesa, grossi
        fine: fein~, kleine, kleinen, petit, petite, fino, fina, fini, sottile, sottili, piccolo, piccoli, pequeno
        """
    ),
    "colour": _inflected(
        """
        black: schwarz~, noir, noire, negro, negra, nero, nera, neri, nere
        white: weiss~, blanc, blanche, blanco, blanca, bianco, bianca
        grey: grau~, gris, grise, grigio, grigia
        dark grey: dunkelgrau~
        light grey: hellgrau~
        red: rot~, rouge, rojo, roja, rosso, rossa
        maroon: dunkelrot~, weinrot~, bordeaux, granate
        blue: blau~, bleu, bleue, azul, blu
        navy blue: dunkelblau~, marineblau~, bleu marine, azul marino
        pale blue: hellblau~, azzurro, azzurra, celeste
        green: grun~, vert, verte, verde
        dark green: dunkelgrun~
        pale green: hellgrun~
        yellow: gelb~, jaune, amarillo, amarilla, giallo, gialla
        orange: naranja, arancione
        brown: braun~, brun, brune, marron, marrone
        pink: rosa
        violet: violett~, violette, lila
        purple: morado, morada, pourpre
        gold: oro, dorado, dorada, dorato, dorata
        cream: creme, crema
        turquoise: turkis~, turquesa, turchese
        """
    ),
    "pair": {"black and white": ("schwarzweiss", "noir et blanc", "blanco y negro", "bianco e nero")},
    "weak": listed(
        """
        ink line drawing: tusche, encre, tinta, inchiostro
        pencil drawing: zeichnung, dessin, dibujo, disegno, skizze, croquis, boceto, schizzo
        oil painting: gemalde, malerei, peinture, pintura, dipinto, pittura
        """
    ),
    "medium": listed(
        """
        halftone: rasterpunkte, rasterdruck, demi teinte, medio tono, retino
        newspaper: zeitung, zeitungsdruck, zeitungsfoto, papier journal, periodico, giornale
        spiral: spirale, espiral
        stipple: punktierung, pointille, punteado, puntinato
        pointillism: puntinismo, divisionismo
        stained glass: kirchenfenster, bleiglas, buntglasfenster, vitral, vitrales, vetrata, vetrate
        mosaic: mosaici, teselas, tessere, mosaiksteine
        hatching: schraffiert, schraffierung, hachures, rayado, tratteggio
        cross-hatching: kreuzschraffiert, hachures croisees, rayado cruzado, tratteggio incrociato
        engraving: stahlstich, holzstich, taille douce, grabado, incisione, bulino
        etching: kaltnadel, eau forte, pointe seche, aguafuerte, punta seca, acquaforte, puntasecca
        contour lines: hohenlinien, courbes de niveau, curvas de nivel, curve di livello
        woodcut: holzschnitte, bois grave, xylogravure, grabado en madera, incisione su legno, silografia
        linocut: linogravure, linograbado, grabado en linoleo, linoleografia
        paper cut: papier decoupe, papiers decoupes, papel recortado, carta ritagliata
        ink line drawing: federzeichnung, strichzeichnung, dessin a l'encre, dessin au trait, dibujo a tinta, dibujo
            a pluma, disegno a penna, disegno a china, disegno a inchiostro
        pencil drawing: crayon a papier, lapiz, dibujo a lapiz, grafito, matita, disegno a matita, grafite
        crayon: wachsmalkreide, wachskreide, crayon de cire, lapices de cera, pastelli a cera
        chalk: kreidezeichnung, craie, tiza, pizarra, gessetto, gessetti, lavagna
        blueprint: cyanotypie, cianotipo, cianotipia
        neon: neonlicht, leuchtreklame
        pixel art: pixelgrafik, pixeles, arte pixel
        bricks: klemmbausteine, bausteine, briques, ladrillos, mattoncini
        cross-stitch: point de croix, punto de cruz, punto croce
        knitted: strick, tricot, tricote, tejido, maglia, a maglia
        embroidery: gestickt, brode, brodee, bordada, ricamo, ricamato
        screen print: serigraphie, serigrafia, affiche
        risograph: risographie, risografia
        comic: fumetto, fumetti, tebeo, historieta
        cel shading: zeichentrick, dessin anime, dibujos animados, cartone animato
        watercolour: wasserfarbe, acquerello, acquarello
        oil painting: olfarbe, olmalerei, ol auf leinwand, huile, huile sur toile, peinture a l'huile, oleo, pintura
            al oleo, olio su tela, pittura a olio, dipinto a olio
        charcoal: kohlezeichnung, carboncillo, carboncino
        pastel: pastell, pastello, pastelli
        gouache: guache, guazzo
        acrylic: acryl, acrylique, acrilico
        fresco: fresko, fresque, affresco
        ink wash: tuschemalerei, aguada
        """
    ),
}
"""Phrases by kind. Misspellings of them are not looked for: they would be too near to English words."""

AFTER = worded("fonce foncee oscuro oscura scuro scura clair claire claro clara chiaro chiara")
"""Adjectives that follow the colour they shade."""

NAMES = ("claire", "clara", "chiara")
"""Adjectives that are also first names: they count only after a medium or a colour."""

INK = ("tusche", "encre", "tinta", "inchiostro")
PAPER = worded("papier papel carta fond fondo sfondo grund hintergrund leinwand toile tela")
ON = ("auf", "sur", "sobre", "su", "sul", "sulla")
ARTICLES = ("einem", "einer", "un", "une", "una", "le", "la", "il", "el")
NEGATIONS = ("kein", "keine", "keinen", "nicht", "pas", "sin", "senza", "ningun")
ENDS = ("mit", "avec", "con", "aber", "sondern", "mais", "pero", "sino", "ma", *ON)
PAIRS = (("lieu", "de"), ("lugar", "de"), ("invece", "di"), ("plutot", "que"))
MORE = {"vorwiegend": 3.0, "hauptsachlich": 3.0, "surtout": 3.0, "principalement": 3.0, "principalmente": 3.0}
LESS = {"wenig": 0.35, "etwas": 0.5, "peu": 0.35, "poco": 0.35, "po": 0.35, "touche": 0.35, "toque": 0.35}

_FILLERS = """
    der die das den dem des ein eine einer einem einen und im von vom zu wie als sehr alt alte altes alter stil mach
    mache bild foto portrat bitte sanft weich le la les un une du de d et en dans comme tres facon maniere au aux l
    lencre ancien ancienne vieux vieille doux douce el los las una y al del muy estilo manera como imagen suave viejo
    antiguo il lo gli i e di della dello nello stile come molto immagine vecchio antico antica morbido farbe farben
    couleur color colore colores
"""
FILLERS = worded(_FILLERS)
