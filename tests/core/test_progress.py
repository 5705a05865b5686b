import io

import pytest
from tqdm import tqdm

from cnnwidgets.core.progress import reporter


def test_a_function_is_taken_as_it_is():
    said = []
    report = reporter(lambda done, total: said.append((done, total)))
    report(3, 7)
    report(5, None)
    assert said == [(3, 7), (5, None)]


def test_nobody_to_tell():
    assert reporter(None)(3, 7) is None


def test_a_bar_goes_to_where_the_work_is():
    """Also if it starts in the middle, as a scan does that goes on."""
    with tqdm(file=io.StringIO()) as bar:
        report = reporter(bar)
        for done in (4, 8, 9):
            report(done, 9)
            assert (bar.n, bar.total) == (done, 9)


def test_the_end_is_shown_at_once():
    with tqdm(file=(file := io.StringIO()), mininterval=1000) as bar:
        report = reporter(bar)
        report(4, 9)
        assert "4/9" not in file.getvalue()
        report(9, 9)
        assert "9/9" in file.getvalue()


def test_a_bar_keeps_its_total_where_none_is_known():
    with tqdm(total=50, file=io.StringIO()) as bar:
        reporter(bar)(7, None)
        assert (bar.n, bar.total) == (7, 50)


@pytest.mark.parametrize(
    ("progress", "what"), [(True, "bool"), ("bar", "str"), (tqdm, "the class tqdm"), ([], "list")]
)
def test_what_cannot_be_told(progress, what):
    with pytest.raises(
        TypeError, match=rf"a function \(done, total\) or a tqdm bar such as tqdm\(\), not {what}"
    ):
        reporter(progress)
