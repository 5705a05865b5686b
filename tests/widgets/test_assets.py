import pytest

from cnnwidgets.widgets._assets import css, esm


@pytest.fixture
def static(tmp_path):
    (tmp_path / "shared").mkdir()

    def write(**files):
        for name, code in files.items():
            (tmp_path / f"{name.replace('__', '/')}.js").write_text(code)
        return tmp_path

    return write


def test_imports_come_first_and_once(static):
    folder = static(
        shared__one="export const one = 1;\n",
        shared__two='import { one } from "./one.js";\nexport function two() {\n  return 2 * one;\n}\n',
        main='import { one } from "./shared/one.js";\nimport {\n  two,\n} from "./shared/two.js";\n\n// why\n'
        "export default { render: () => one + two() };\n",
    )
    assert esm("main", folder) == (
        "const one = 1;\n\nfunction two() {\n  return 2 * one;\n}\n\n"
        "export default { render: () => one + two() };\n"
    )


def test_what_is_not_exported(static):
    folder = static(a="const x = 1;\n", main='import { x } from "./a.js";\n')
    with pytest.raises(ValueError, match=r"main.js imports x, which ./a.js does not export"):
        esm("main", folder)


@pytest.mark.parametrize(
    "declaration", ["const x = 1;", "let x;", "function x() {}", "async function x() {}", "class x {}"]
)
def test_one_name_in_two_modules(static, declaration):
    folder = static(
        a="export const y = 1;\nconst x = 2;\n", main=f'import {{ y }} from "./a.js";\n{declaration}\n'
    )
    with pytest.raises(
        ValueError, match="x is declared in .*a.js and in .*main.js|x is declared in main.js and in a.js"
    ):
        esm("main", folder)


def test_circles(static):
    folder = static(
        a='import { b } from "./b.js";\nexport const a = 1;\n',
        b='import { a } from "./a.js";\nexport const b = 1;\n',
    )
    with pytest.raises(ValueError, match="circle"):
        esm("a", folder)


@pytest.mark.parametrize(
    "line",
    [
        'import x from "./a.js";',
        'import * as x from "./a.js";',
        'import { y as x } from "./a.js";',
        'import "./a.js";',
        "export default 3;",
        "export { y };",
    ],
)
def test_other_forms_are_refused(static, line):
    folder = static(
        a="export const y = 1;\n", b=f"{line}\nexport const z = 1;\n", main='import { z } from "./b.js";\n'
    )
    with pytest.raises(ValueError, match="b.js"):
        esm("main", folder)


def test_rules_of_all_and_of_one(static):
    folder = static()
    (folder / "shared" / "shared.css").write_text("a {}")
    assert css("main", folder) == "a {}"
    (folder / "main.css").write_text("b {}")
    assert css("main", folder) == "a {}\nb {}"
