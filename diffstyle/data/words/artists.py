"""The painters that words may name."""

from __future__ import annotations

from collections.abc import Mapping

from diffstyle.data.words.lexicon import Phrases, listed

ARTISTS: Phrases = listed(
    """
    Vincent van Gogh: van gogh, vincent van gogh, vangogh, gogh, starry night, wheatfield with crows
    Claude Monet: monet, claude monet, water lilies, waterlilies, impression sunrise
    Paul Cézanne: cezanne, paul cezanne
    Paul Gauguin: gauguin, paul gauguin
    Edvard Munch: munch, edvard munch, the scream
    Gustav Klimt: klimt, gustav klimt, adele bloch bauer
    Katsushika Hokusai: hokusai, katsushika hokusai, great wave, great wave off kanagawa
    Tōshūsai Sharaku: sharaku, toshusai sharaku
    Pierre-Auguste Renoir: renoir, auguste renoir, pierre auguste renoir
    Edgar Degas: degas, edgar degas
    Édouard Manet: manet, edouard manet
    Camille Pissarro: pissarro, camille pissarro
    Alfred Sisley: sisley, alfred sisley
    Berthe Morisot: morisot, berthe morisot
    Henri de Toulouse-Lautrec: toulouse lautrec, lautrec, henri de toulouse lautrec
    Henri Rousseau: henri rousseau, rousseau, douanier rousseau
    Henri Matisse: matisse, henri matisse
    Édouard Vuillard: vuillard, edouard vuillard
    Paul Sérusier: serusier, paul serusier
    Marianne von Werefkin: werefkin, marianne von werefkin
    Wassily Kandinsky: kandinsky, wassily kandinsky, vasily kandinsky
    Arthur Segal: arthur segal
    Alphonse Mucha: mucha, alphonse mucha, alfons mucha
    Mikhail Vrubel: vrubel, mikhail vrubel
    Nicholas Roerich: roerich, nicholas roerich
    Andrei Rublev: rublev, andrei rublev
    Pierre Puvis de Chavannes: puvis de chavannes, puvis
    Rembrandt: rembrandt, rembrandt van rijn, night watch
    Johannes Vermeer: vermeer, johannes vermeer, jan vermeer, pearl earring, girl with a pearl earring
    Pieter Bruegel the Elder: bruegel, brueghel, breughel, pieter bruegel, pieter brueghel
    Hieronymus Bosch: bosch, hieronymus bosch, garden of earthly delights
    Jan van Eyck: van eyck, jan van eyck
    Sandro Botticelli: botticelli, sandro botticelli, primavera, birth of venus
    Leonardo da Vinci: leonardo, leonardo da vinci, da vinci, mona lisa
    Raphael: raphael, raffaello
    Michelangelo: michelangelo, michelangelo buonarroti, sistine chapel
    Titian: titian, tiziano
    El Greco: el greco
    Caravaggio: caravaggio
    Peter Paul Rubens: rubens, peter paul rubens
    Diego Velázquez: velazquez, diego velazquez, meninas
    Claude Lorrain: claude lorrain, lorrain
    Jan van Goyen: van goyen, jan van goyen
    Bernardo Bellotto: bellotto, bernardo bellotto, canaletto
    Jean-Honoré Fragonard: fragonard, jean honore fragonard
    François Boucher: boucher, francois boucher
    Francisco Goya: goya, francisco goya, francisco de goya
    Jacques-Louis David: jacques louis david
    Jean-Auguste-Dominique Ingres: ingres
    Caspar David Friedrich: caspar david friedrich, friedrich
    Eugène Delacroix: delacroix, eugene delacroix
    John Constable: constable, john constable
    Ivan Aivazovsky: aivazovsky, ivan aivazovsky, aiwasowski, ninth wave
    Gustave Courbet: courbet, gustave courbet
    Jean-François Millet: millet, jean francois millet
    Camille Corot: corot, camille corot, jean baptiste camille corot
    Honoré Daumier: daumier, honore daumier
    William-Adolphe Bouguereau: bouguereau, william bouguereau
    Ilya Repin: repin, ilya repin
    Ivan Shishkin: shishkin, ivan shishkin
    Isaac Levitan: levitan, isaac levitan
    Giovanni di Paolo: giovanni di paolo
    Beatrix Potter: beatrix potter, peter rabbit
    John Tenniel: tenniel, john tenniel
    J. M. W. Turner: turner, william turner, jmw turner, j m w turner
    Utagawa Hiroshige: hiroshige, utagawa hiroshige, utamaro, kuniyoshi
    Pablo Picasso: picasso, pablo picasso, guernica
    Georges Braque: braque, georges braque, juan gris
    Piet Mondrian: mondrian, piet mondrian, de stijl
    Kazimir Malevich: malevich, kazimir malevich, malevitch
    Paul Klee: klee, paul klee
    Joan Miró: miro, joan miro
    Amedeo Modigliani: modigliani, amedeo modigliani
    Egon Schiele: schiele, egon schiele
    Ernst Ludwig Kirchner: kirchner, ernst ludwig kirchner
    Franz Marc: franz marc, august macke
    Emil Nolde: nolde, emil nolde
    Marc Chagall: chagall, marc chagall
    André Derain: derain, andre derain, vlaminck
    Pierre Bonnard: bonnard, pierre bonnard
    Mary Cassatt: cassatt, mary cassatt
    John Singer Sargent: sargent, john singer sargent, sorolla, joaquin sorolla
    Gustave Moreau: gustave moreau, odilon redon, redon
    Dante Gabriel Rossetti: rossetti, dante gabriel rossetti, pre raphaelite, millais, waterhouse
    Aubrey Beardsley: beardsley, aubrey beardsley
    Arthur Rackham: rackham, arthur rackham
    Jackson Pollock: pollock, jackson pollock
    Mark Rothko: rothko, mark rothko
    Giotto: giotto, fra angelico, masaccio
    Hans Holbein: holbein, hans holbein, cranach
    Tintoretto: tintoretto, pontormo, parmigianino
    Frans Hals: frans hals, ruisdael, jacob van ruisdael
    Antoine Watteau: watteau, antoine watteau, tiepolo
    Théodore Géricault: gericault, theodore gericault, william blake
    """
)
"""Painters and their best-known works, in British spelling."""

MOVEMENT_OF: Mapping[str, str] = {
    "J. M. W. Turner": "Romanticism",
    "Utagawa Hiroshige": "Ukiyo-e",
    "Pablo Picasso": "Cubism",
    "Georges Braque": "Cubism",
    "Piet Mondrian": "Suprematism",
    "Kazimir Malevich": "Suprematism",
    "Paul Klee": "Abstract art",
    "Joan Miró": "Abstract art",
    "Amedeo Modigliani": "Expressionism",
    "Egon Schiele": "Expressionism",
    "Ernst Ludwig Kirchner": "Expressionism",
    "Franz Marc": "Expressionism",
    "Emil Nolde": "Expressionism",
    "Marc Chagall": "Expressionism",
    "André Derain": "Fauvism",
    "Pierre Bonnard": "Post-Impressionism",
    "Mary Cassatt": "Impressionism",
    "John Singer Sargent": "Impressionism",
    "Gustave Moreau": "Symbolism",
    "Dante Gabriel Rossetti": "Symbolism",
    "Aubrey Beardsley": "Art Nouveau",
    "Arthur Rackham": "Golden Age illustration",
    "Jackson Pollock": "Action painting",
    "Mark Rothko": "Color Field Painting",
    "Giotto": "Early Renaissance",
    "Hans Holbein": "Northern Renaissance",
    "Tintoretto": "Mannerism",
    "Frans Hals": "Baroque",
    "Antoine Watteau": "Rococo",
    "Théodore Géricault": "Romanticism",
}
"""The movement of painters of whom the atlas has no work."""
