"""The error tree: drawn as it is, documented, and in two branches."""

import inspect
import re

from functions.core import errors
from functions.core.errors import MatteflowError, PermanentError, TransientError


def family(root: type[MatteflowError]) -> list[type[MatteflowError]]:
    return [root, *(member for child in root.__subclasses__() for member in family(child))]


def drawn() -> list[tuple[int, str]]:
    """Depth and name of each line of the tree in the module's docstring."""
    lines = re.findall(r"^    ([ │]*)(?:[├└]── )?(\w+)", str(errors.__doc__), re.MULTILINE)
    return [(len(indent) // 4 + (name != "MatteflowError"), name) for indent, name in lines]


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    classes = [(len(error.__mro__) - len(MatteflowError.__mro__), error.__name__) for error in family(MatteflowError)]
    assert drawn() == classes


def test_every_error_of_the_module_is_in_the_tree_and_documented() -> None:
    defined = {
        member for _, member in inspect.getmembers(errors, inspect.isclass) if member.__module__ == errors.__name__
    }
    assert defined == set(family(MatteflowError))
    assert all(error.__doc__ for error in defined)


def test_every_error_is_permanent_or_transient() -> None:
    assert MatteflowError.__subclasses__() == [PermanentError, TransientError]
