"""Pictures whose label a trained model strongly disagrees with: somebody may have typed it wrong."""

from collections.abc import Iterator
from dataclasses import dataclass

from rig.camera.frame import Image
from rig.dataset.index import Index, Picture, below
from rig.model import Bundle
from rig.vision.evaluation import Jury

_SCHEMA = """
CREATE TABLE named (id INTEGER PRIMARY KEY, label TEXT, top TEXT, top_probability REAL, own_probability REAL);
"""


@dataclass(frozen=True)
class Suspect:
    """A picture that the model takes for another part.

    Attributes:
        name: path below the indexed folder.
        label: what its folder says.
        top: what the model says, with its probability.
        own_probability: of `label`.
    """

    name: str
    label: str
    top: str
    top_probability: float
    own_probability: float


class Opinions:
    """What a model said of each picture of an index. Make one of it for each."""

    def __init__(self, index: Index) -> None:
        self._database = index.database
        self._database.executescript(_SCHEMA)

    def add(self, picture: Picture, top: str, top_probability: float, own_probability: float) -> None:
        """The model takes a picture for `top`, and for what its folder says by `own_probability`."""
        row = (picture.id, picture.label, top, top_probability, own_probability)
        self._database.execute("INSERT INTO named VALUES (?, ?, ?, ?, ?)", row)

    def suspects(self, least: float) -> Iterator[Suspect]:
        """Pictures that the model is surer to be another part than, on average, it is of that part's own.

        Confident learning: Northcutt, Jiang, Chuang, "Confident Learning: Estimating Uncertainty in Dataset
        Labels", 2021, equation 2.

        Args:
            least: and at least that sure, 0 to 1.
        """
        query = """
            WITH usual AS (SELECT label, avg(own_probability) AS probability FROM named GROUP BY label)
            SELECT split, file_name, named.label, top, top_probability, own_probability
            FROM named JOIN file USING (id) LEFT JOIN usual ON usual.label = named.top
            WHERE top <> named.label AND top_probability >= max(?, coalesce(usual.probability, 0))
            ORDER BY named.label, top_probability DESC, id
        """
        for split, file_name, *said in self._database.execute(query, (least,)):
            yield Suspect(below(split, file_name), *said)


class Examiner:
    """Asks a model about every picture of a dataset.

    As in `rig evaluate`, pictures that the model was made from are named by the fold model that has seen
    neither them nor their brick, where there is one.

    Attributes:
        strangers: classes that the model does not know, whose pictures it is not asked about.
    """

    def __init__(self, bundle: Bundle, index: Index) -> None:
        self._jury = Jury(bundle)
        self._folder = index.folder
        self._reject_threshold = bundle.card.reject_threshold
        self._opinions = Opinions(index)
        self.strangers = tuple(label for label in index.labels() if label not in bundle.card.labels)

    def look(self, picture: Picture, digest: str, image: Image) -> None:
        """Have one picture named; a `Look`."""
        if picture.label in self.strangers:
            return
        judge = self._jury.judge(picture.sample(self._folder), digest)
        result = judge.classifier.classify(image)
        if result.box is not None:  # else the probabilities say nothing
            ((top, probability),) = result.top(1)
            own = float(result.probabilities[result.labels.index(picture.label)])
            self._opinions.add(picture, top, probability, own)

    def suspects(self) -> Iterator[Suspect]:
        """The labels that it strongly disagrees with: as surely as its card demands for a decision."""
        yield from self._opinions.suspects(self._reject_threshold)
