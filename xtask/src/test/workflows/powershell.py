"""Says where PowerShell scripts break the grammar: python3 powershell.py FILE...

Not a judge of what a script does: it finds the missing brace, not the wrong parameter. And where they have characters
beyond ASCII: Windows PowerShell takes a script without a byte order mark for one in the code page of the system.
"""

import sys
from collections.abc import Iterator

import tree_sitter_powershell
from tree_sitter import Language, Node, Parser


def faults(node: Node) -> Iterator[Node]:
    """The innermost nodes that are wrong or missing."""
    inner = [fault for child in node.children if child.has_error for fault in faults(child)]
    if inner:
        yield from inner
    elif node.is_error or node.is_missing:
        yield node


def main(paths: list[str]) -> int:
    parser = Parser(Language(tree_sitter_powershell.language()))
    failed = False
    for path in paths:
        with open(path, "rb") as file:
            source = file.read()
        for row, line in enumerate(source.splitlines(), 1):
            if not line.isascii():
                failed = True
                print(f"{path}:{row}: Windows PowerShell would misread this; write [char] 0x...")
        tree = parser.parse(source)
        for fault in faults(tree.root_node):
            failed = True
            row, column = fault.start_point
            what = f"{fault.type} is missing" if fault.is_missing else "this breaks PowerShell's grammar"
            line = (fault.text or b"").decode(errors="replace").splitlines()[:1]
            print(f"{path}:{row + 1}:{column + 1}: {what}: {' '.join(line)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
