# SPDX-FileCopyrightText: 2026 The otpd authors
# SPDX-License-Identifier: Apache-2.0
"""A C file as the checks see it: no comments, no literals, cut into functions and declarations.

It is no compiler. It reads tokens and braces, does not expand macros and takes both sides of an
#if. That is enough for this tree, which has no braces inside of macros that do not balance; what it
can and cannot tell apart is written down as samples in test_checks.py.
"""
import re
from dataclasses import dataclass
from functools import cached_property

COMMENT_OR_LITERAL = re.compile(
    r"//(?:[^\n\\]|\\.)*|/\*.*?\*/"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|(?<![0-9a-fA-F])'(?:[^'\\\n]|\\.)*'",
    re.S,
)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.)*", re.M | re.S)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)
TOKEN = re.compile(r"[A-Za-z_]\w*|\d[\w.]*|&&|\|\||->|::|[^\s\w]")
CLOSERS = {"(": ")", "[": "]", "{": "}"}
BRANCHES = {"if", "for", "while", "case", "&&", "||", "?"}
NO_CALLS = {"return", "sizeof", "_Alignof", "alignof", "__typeof__"}
BRACES = "{}"  # stands for a skipped body in the head of a declaration


def is_call(word, after):
    return after == "(" and word.isidentifier() and word not in NO_CALLS


def blanked(match):
    return re.sub(r"[^\n]", " ", match.group())


def blanked_literal(match):
    text = match.group()
    if text[0] in "\"'":
        return text[0] + re.sub(r"[^\n]", " ", text[1:-1]) + text[-1]
    return blanked(match)


@dataclass(frozen=True)
class Token:
    text: str
    line: int


@dataclass(frozen=True)
class Function:
    name: str
    line: int
    end_line: int
    parameters: int
    body: tuple  # of Token, without the outer braces

    @property
    def length(self):
        return self.end_line - self.line + 1

    @property
    def complexity(self):
        return 1 + sum(token.text in BRANCHES for token in self.body)

    @cached_property
    def nesting(self):
        return Nesting([token.text for token in self.body]).deepest

    def calls(self):
        pairs = zip(self.body, self.body[1:])
        return {name.text for name, after in pairs if is_call(name.text, after.text)}


@dataclass(frozen=True)
class Declaration:
    tokens: tuple  # of Token, bodies folded to BRACES, without the semicolon

    @property
    def line(self):
        return self.tokens[0].line


class Nesting:
    """How many control statements and bare blocks stand inside each other, braces or not."""

    def __init__(self, words):
        self.words = words
        self.deepest = 0
        at = 0
        while at < len(words):
            at = self.statement(at, 0)

    def word(self, at):
        return self.words[at] if at < len(self.words) else ""

    def closing(self, at):
        """Index after the bracket that closes the one at `at`."""
        return closing_index(self.words, at)

    def block(self, at, depth):
        at += 1
        while self.word(at) not in ("}", ""):
            at = self.statement(at, depth)
        return at + 1

    def body(self, at, depth):
        self.deepest = max(self.deepest, depth)
        return self.block(at, depth) if self.word(at) == "{" else self.statement(at, depth)

    def statement(self, at, depth):
        word = self.word(at)
        if word == "{":
            return self.body(at, depth + 1)
        if word in ("if", "for", "while", "switch"):
            return self.controlled(at, depth)
        if word in ("else", "do", "try"):
            return self.body(at + 1, depth + 1)
        if word in ("case", "default"):
            return self.words.index(":", at) + 1
        if is_call(word, self.word(at + 1)):
            after = self.closing(at + 1)
            if self.word(after) == "{":  # a loop made by a macro
                return self.body(after, depth + 1)
        return self.plain(at)

    def controlled(self, at, depth):
        at = self.body(self.closing(at + 1), depth + 1)
        if self.word(at) == "else" and self.word(at + 1) == "if":
            return self.controlled(at + 1, depth)
        return at

    def plain(self, at):
        while self.word(at) not in (";", "}", ""):
            at = self.closing(at) if self.word(at) in CLOSERS else at + 1
        return at + 1


def closing_index(words, at):
    closer, depth = CLOSERS[words[at]], 0
    for index in range(at, len(words)):
        depth += (words[index] == words[at]) - (words[index] == closer)
        if depth == 0:
            return index + 1
    return len(words)


def without_attributes(tokens):
    words, kept, at = [token.text for token in tokens], [], 0
    while at < len(tokens):
        if words[at] == "__attribute__":
            at = closing_index(words, at + 1)
            continue
        kept.append(tokens[at])
        at += 1
    return kept


def count_parameters(words):
    if words in ([], ["void"]):
        return 0
    depth, commas = 0, 0
    for word in words:
        depth += (word in "([{") - (word in ")]}")
        commas += word == "," and depth == 0
    return commas + 1


def matching_open(words):
    """Index of the parenthesis that the last word closes."""
    depth = 0
    for index in range(len(words) - 1, -1, -1):
        depth += (words[index] == ")") - (words[index] == "(")
        if depth == 0:
            return index
    return -1


def function_head(head):
    """(name token, number of parameters) when these tokens announce a body of code, else None."""
    head = without_attributes(head)
    while head and head[-1].text in ("const", "noexcept", "override"):
        head.pop()
    words = [token.text for token in head]
    if not words or words[-1] != ")" or "=" in words:
        return None
    opening = matching_open(words)
    if opening < 1 or not words[opening - 1].isidentifier():
        return None
    return head[opening - 1], count_parameters(words[opening + 1 : -1])


def is_transparent(head):
    """extern "C" { and namespace x {: what is inside is still the outermost level."""
    words = [token.text for token in head]
    return words[:1] == ["namespace"] or words == ["extern", '"', '"']


class Source:
    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.code = COMMENT_OR_LITERAL.sub(blanked, text)
        self.functions = []
        self.declarations = []
        self.cut(self.tokens())

    @property
    def lines(self):
        return self.text.splitlines()

    def tokens(self):
        bare = DIRECTIVE.sub(blanked, COMMENT_OR_LITERAL.sub(blanked_literal, self.text))
        starts = [0] + [match.end() for match in re.finditer("\n", bare)]
        found, line = [], 0
        for match in TOKEN.finditer(bare):
            while line + 1 < len(starts) and starts[line + 1] <= match.start():
                line += 1
            found.append(Token(match.group(), line + 1))
        return found

    def cut(self, tokens):
        words = [token.text for token in tokens]
        head, at = [], 0
        while at < len(tokens):
            word = words[at]
            if word == "{" and not is_transparent(head):
                at = self.cut_body(tokens, words, head, at)
                continue
            if word == ";" and head:
                self.declarations.append(Declaration(tuple(head)))
            head = [] if word in ("{", "}", ";") else head + [tokens[at]]
            at += 1

    def cut_body(self, tokens, words, head, at):
        end = closing_index(words, at)
        function = function_head(head)
        if function is None:
            head.append(Token(BRACES, tokens[at].line))
            return end
        name, parameters = function
        body = tuple(tokens[at + 1 : end - 1])
        last = tokens[end - 1].line
        self.functions.append(Function(name.text, name.line, last, parameters, body))
        head.clear()
        return end

    def includes(self):
        """(line, name, is_system) for each #include."""
        for match in INCLUDE.finditer(self.text):
            if "#" in self.code[match.start() : match.end()]:
                yield self.line_of(match.start()), match.group(2), match.group(1) == "<"

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1

    def matches(self, pattern):
        """Lines of code (not of comments or literals) where the pattern is found."""
        for match in re.finditer(pattern, self.code):
            yield self.line_of(match.start()), match

    def function_types(self):
        """Names that `typedef int name(int);` gave to types of functions."""
        found = set()
        for declaration in self.declarations:
            words = [token.text for token in declaration.tokens]
            if words[0] == "typedef" and "(" in words:
                found.add(words[words.index("(") - 1])
        return found

    def comment_lines(self):
        """How many lines have a comment, the licence apart, and how many are not empty."""
        marked = set()
        for match in COMMENT_OR_LITERAL.finditer(self.text):
            if match.group()[0] == "/" and "SPDX" not in match.group():
                first = self.line_of(match.start())
                marked.update(range(first, first + match.group().count("\n") + 1))
        return len(marked), sum(bool(line.strip()) for line in self.lines)

    def statics(self):
        """Declarations inside of functions that outlive a call."""
        for function in self.functions:
            words = [token.text for token in function.body]
            for at, word in enumerate(words):
                if word in ("static", "_Thread_local", "thread_local"):
                    yield Declaration(folded(function.body, words, at))


def folded(tokens, words, at):
    """The declaration that begins at `at`, its braces folded."""
    head = []
    while at < len(words) and words[at] != ";":
        if words[at] == "{":
            head.append(Token(BRACES, tokens[at].line))
            at = closing_index(words, at)
            continue
        head.append(tokens[at])
        at += 1
    return tuple(head)


def up_to_initialiser(tokens):
    words = [token.text for token in tokens]
    return words[: words.index("=")] if "=" in words else words


def without_brackets(words):
    kept, at = [], 0
    while at < len(words):
        if words[at] == "[":
            at = closing_index(words, at)
            continue
        kept.append(words[at])
        at += 1
    return kept


def is_const_after_star(words):
    last = len(words) - 1 - words[::-1].index("*")
    return "const" in words[last + 1 : last + 3]


NO_VARIABLE = {"typedef", "_Static_assert", "static_assert", "extern", "using", "template"}


def mutable_variable(declaration, function_types=frozenset()):
    """Name of the variable that this declaration makes, when its value can change; else None."""
    words = without_brackets(up_to_initialiser(without_attributes(list(declaration.tokens))))
    if not words or words[0] in NO_VARIABLE or words[0] in function_types:
        return None
    if "(" in words:
        opening = words.index("(")
        if words[opening + 1 : opening + 2] != ["*"]:
            return None  # a prototype or a macro
        inner = words[opening + 1 : closing_index(words, opening) - 1]
        return None if is_const_after_star(inner) else inner[-1]
    named = [word for word in words if word.isidentifier() or word == BRACES]
    if named and named[0] in ("struct", "union", "enum") and len(named) - (BRACES in named) < 3:
        return None  # only declares or defines the type
    if len(named) < 2:
        return None
    if "*" in words:
        return None if is_const_after_star(words) else named[-1]
    return None if {"const", "constexpr"} & set(words) else named[-1]
