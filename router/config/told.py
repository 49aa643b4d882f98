"""Problems as people are told them: in the order of the files, each with its line."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from router.config.excerpt import Excerpts
from router.config.options import Options
from router.config.yaml_document import Document
from router.errors import Problem


def told(problems: Iterable[Problem], documents: Sequence[Document]) -> tuple[Problem, ...]:
    """Return the problems from top to bottom, with what of their lines may be shown.

    Args:
        problems: In any order.
        documents: The files, in the order in which they are told; those of other files come last.
    """
    files = [document.file for document in documents]
    excerpts = {
        document.file: Excerpts(document.text, document.scalars, document.root or Options)
        for document in reversed(documents)
    }
    shown = (
        replace(problem, excerpt=excerpts[problem.file].at(problem.line, problem.column))
        if problem.file in excerpts
        else problem
        for problem in problems
    )
    return tuple(sorted(shown, key=lambda each: (_position(each, files), each.line, each.column)))


def _position(problem: Problem, files: Sequence[str]) -> int:
    return files.index(problem.file) if problem.file in files else len(files)
