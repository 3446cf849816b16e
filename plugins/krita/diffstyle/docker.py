"""The docker: the style and its settings, a preview, and the button that paints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from krita import DockWidget, Krita

from .diffstyle_client import (
    ADDRESS,
    COLOURS,
    MAX_SEED,
    MAX_SIDE,
    PREVIEW_SIDE,
    STRENGTH,
    STRUCTURE,
    DiffstyleError,
    Look,
    Server,
    Work,
)
from .layers import add_layer, bits_of, check_layer, layer_png, selected
from .qt import QtCore, QtGui, QtWidgets

_MILLISECONDS = 100  # between two looks at the work
_LABELS = ("The style's", "The photo's hues", "Exactly the style's", "Recolour only, no texture")
_SHOWN = 240  # pixels of the preview


class StyleDocker(DockWidget):
    """The docker. `work` is what is being painted, None if nothing is."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("diffstyle")
        self.work: Work | None = None
        self._then: Callable[[bytes], None] = self._show
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(_MILLISECONDS)
        self._timer.timeout.connect(self._look_at_work)
        self._build()
        for name, field in self._stored():
            stored = Krita.instance().readSetting("diffstyle", name, "")
            if stored:
                field.setText(stored)

    def canvasChanged(self, canvas: object) -> None:  # noqa: N802
        """What Krita calls when another document is active."""
        del canvas

    def list_styles(self) -> None:
        """Ask the server for its named styles, which the field then suggests."""
        try:
            server = self._server()
            server.check()
            completer = QtWidgets.QCompleter(server.style_names(), self)
        except DiffstyleError as error:
            self.said.setText(str(error))
            return
        completer.setFilterMode(QtCore.Qt.MatchFlag.MatchContains)
        completer.setCompletionMode(QtWidgets.QCompleter.CompletionMode.PopupCompletion)
        self.words.setCompleter(completer)
        self.said.setText(f"{completer.model().rowCount()} named styles: type a part of a name.")

    def preview(self) -> None:
        """Show the active layer in the style, small."""
        self._begin(PREVIEW_SIDE, self._show, preview=True)

    def paint(self) -> None:
        """Paint the active layer, and add the result above it."""
        document, name = Krita.instance().activeDocument(), self.words.text().strip()

        def add(data: bytes) -> None:
            add_layer(document, self._node, data, self._box, name, self._selection)

        self._begin(self.longest.value(), add, preview=False)

    def cancel(self) -> None:
        """End what is being painted; the document stays as it is."""
        if self.work is not None:
            self.work.cancel.set()

    def _begin(self, longest: int, then: Callable[[bytes], None], *, preview: bool) -> None:
        if self.work is not None:
            self.said.setText("diffstyle is painting: wait, or press Cancel.")
            return
        document = Krita.instance().activeDocument()
        try:
            self._node = check_layer(document)
            look = Look(
                style=self.words.text(),
                strength=self.strength.value(),
                structure=self.structure.value(),
                seed=self.seed.value(),
                colour=COLOURS[int(self.colour.currentIndex())],
                depth=bits_of(self._node),
            )
            look.fields()
            picture, self._box = layer_png(document, self._node, longest)
            self._selection = selected(document)
            self.work = Work(self._server(), picture, look, preview=preview)
        except DiffstyleError as error:
            self.said.setText(str(error))
            return
        for name, field in self._stored():
            Krita.instance().writeSetting("diffstyle", name, field.text())
        self._then = then
        self.said.setText("")
        self.work.start()
        self._timer.start()
        self._refresh()

    def _look_at_work(self) -> None:
        if self.work is None:
            return
        self.bar.setValue(round(100 * self.work.done))
        if self.work.is_alive():
            return
        work, self.work = self.work, None
        self._timer.stop()
        self._refresh()
        try:
            self._then(work.result())
        except DiffstyleError as error:
            self.said.setText(str(error))

    def _show(self, data: bytes) -> None:
        picture = QtGui.QPixmap()
        picture.loadFromData(data, "PNG")
        keep, smooth = QtCore.Qt.AspectRatioMode.KeepAspectRatio, QtCore.Qt.TransformationMode.SmoothTransformation
        self.shown.setPixmap(picture.scaled(_SHOWN, _SHOWN, keep, smooth))

    def _stored(self) -> tuple[tuple[str, Any], ...]:
        """What Krita keeps in its settings, by its name there."""
        return ("style", self.words), ("server", self.server), ("key", self.key)

    def _server(self) -> Server:
        return Server(self.server.text() or ADDRESS, self.key.text())

    def _refresh(self) -> None:
        """Enable what can be pressed now."""
        busy = self.work is not None
        for button in (self._preview_button, self._paint_button):
            button.setEnabled(not busy)
        self._cancel_button.setEnabled(busy)
        self.bar.setVisible(busy)
        self.bar.setValue(0)

    def _build(self) -> None:
        body = QtWidgets.QWidget(self)
        form = QtWidgets.QFormLayout(body)
        self.words, self.server, self.key = (QtWidgets.QLineEdit() for _ in range(3))
        self.words.setPlaceholderText("charcoal drawing")
        self.server.setText(ADDRESS)
        self.key.setEchoMode(QtWidgets.QLineEdit.EchoMode.Password)
        self.strength, self.structure = _share(STRENGTH), _share(STRUCTURE)
        self.colour = QtWidgets.QComboBox()
        self.colour.addItems(_LABELS)
        self.seed, self.longest = QtWidgets.QSpinBox(), QtWidgets.QSpinBox()
        self.seed.setMaximum(MAX_SEED)
        self.longest.setMaximum(MAX_SIDE)
        self.longest.setSpecialValueText("the layer's own")
        self.longest.setToolTip("Longest side that is painted, in pixels, then enlarged to the layer")
        for label, field in (
            ("Style", self.words),
            ("Strength", self.strength),
            ("Structure", self.structure),
            ("Colours", self.colour),
            ("Seed", self.seed),
            ("Size", self.longest),
        ):
            form.addRow(label, field)
        row = QtWidgets.QHBoxLayout()
        self._preview_button = _button(row, "Preview", self.preview)
        self._paint_button = _button(row, "Stylise", self.paint)
        self._cancel_button = _button(row, "Cancel", self.cancel)
        form.addRow(row)
        self.bar, self.shown, self.said = QtWidgets.QProgressBar(), QtWidgets.QLabel(), QtWidgets.QLabel()
        self.said.setWordWrap(True)
        for field in (self.bar, self.shown, self.said):
            form.addRow(field)
        form.addRow("Server", self.server)
        form.addRow("API key", self.key)
        row = QtWidgets.QHBoxLayout()
        _button(row, "List named styles", self.list_styles)
        form.addRow(row)
        self.setWidget(body)
        self._refresh()


def _share(value: float) -> Any:
    field = QtWidgets.QDoubleSpinBox()
    field.setRange(0, 1)
    field.setSingleStep(0.05)
    field.setValue(value)
    return field


def _button(row: Any, text: str, pressed: Callable[[], None]) -> Any:
    button = QtWidgets.QPushButton(text)
    button.clicked.connect(lambda *_: pressed())  # pyright: ignore[reportUnknownLambdaType]
    row.addWidget(button)
    return button
