"""Copies of the tutorials: a newer version comes in, and nothing that a student wrote is lost."""

import json

import pytest

from cnnwidgets.handout import RECORD, hand_out, notebooks_in, shipped_tutorials


@pytest.fixture
def shipped(tmp_path):
    folder = tmp_path / "shipped"
    write(folder / "01_first.ipynb", "first, version 1")
    write(folder / "assignments" / "a.ipynb", "assignment, version 1")
    write(folder / ".ipynb_checkpoints" / "01_first.ipynb", "Jupyter's own")
    return folder


@pytest.fixture
def desk(tmp_path):
    return tmp_path / "desk" / "tutorials"


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_text() for path in notebooks_in(folder)}


def test_the_first_copy_has_everything(shipped, desk):
    done = hand_out(desk, shipped)
    assert files(desk) == {
        "01_first.ipynb": "first, version 1",
        "assignments/a.ipynb": "assignment, version 1",
    }
    assert (done.written, done.kept) == (["01_first.ipynb", "assignments/a.ipynb"], {})


def test_the_second_copy_does_nothing(shipped, desk):
    hand_out(desk, shipped)
    write(desk / "01_first.ipynb", "mine")
    done = hand_out(desk, shipped)
    assert (done.written, done.kept) == ([], {})
    assert files(desk)["01_first.ipynb"] == "mine"


def test_an_untouched_notebook_is_brought_up_to_date(shipped, desk):
    hand_out(desk, shipped)
    write(shipped / "01_first.ipynb", "first, version 2")
    done = hand_out(desk, shipped)
    assert (done.written, done.kept) == (["01_first.ipynb"], {})
    assert files(desk)["01_first.ipynb"] == "first, version 2"


def test_a_changed_notebook_is_kept_and_the_new_version_put_beside_once(shipped, desk):
    hand_out(desk, shipped)
    write(desk / "01_first.ipynb", "mine")
    write(shipped / "01_first.ipynb", "first, version 2")
    assert hand_out(desk, shipped).kept == {"01_first.ipynb": "01_first-new.ipynb"}
    assert hand_out(desk, shipped).kept == {}
    write(desk / "01_first-new.ipynb", "mine too")
    write(shipped / "01_first.ipynb", "first, version 3")
    assert hand_out(desk, shipped).kept == {"01_first.ipynb": "01_first-new-2.ipynb"}
    assert files(desk) == {
        "01_first.ipynb": "mine",
        "01_first-new.ipynb": "mine too",
        "01_first-new-2.ipynb": "first, version 3",
        "assignments/a.ipynb": "assignment, version 1",
    }


@pytest.mark.parametrize("record", [None, "not json", "[]"])
def test_without_a_readable_record_nothing_is_overwritten(shipped, desk, record):
    write(desk / "01_first.ipynb", "from somewhere else")
    if record is not None:
        write(desk / RECORD, record)
    assert hand_out(desk, shipped).kept == {"01_first.ipynb": "01_first-new.ipynb"}
    assert files(desk)["01_first.ipynb"] == "from somewhere else"


def test_a_deleted_notebook_comes_back(shipped, desk):
    hand_out(desk, shipped)
    (desk / "01_first.ipynb").unlink()
    assert hand_out(desk, shipped).written == ["01_first.ipynb"]


def test_notebooks_from_a_read_only_installation_can_be_written(shipped, desk):
    (shipped / "01_first.ipynb").chmod(0o444)
    hand_out(desk, shipped)
    assert (desk / "01_first.ipynb").stat().st_mode & 0o200


def test_a_folder_that_is_a_file_is_refused(shipped, tmp_path):
    write(tmp_path / "taken", "")
    with pytest.raises(OSError):
        hand_out(tmp_path / "taken", shipped)


def test_this_installation_has_tutorials():
    notebooks = notebooks_in(shipped_tutorials())
    assert "02_activation_maps.ipynb" in [path.name for path in notebooks]
    for path in notebooks:
        assert json.loads(path.read_text(encoding="utf-8"))["nbformat"] == 4
