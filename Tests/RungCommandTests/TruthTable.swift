/// A way in which a program can read or find a file, and the truth about it: what is recorded, what a change of the file
/// brings about, what happens where the file is not to be had. Each way is a step with a folder of its own, `{d}`.
struct Way {
  /// Something that somebody does to the project between two runs. Each is done twice, and both times it is a change.
  enum Change {
    /// A line more in a file, which is made when it is not there.
    case append(String, String = "#")
    /// A new name in a folder.
    case add(String)
    /// A link points elsewhere: at the first, then at the second.
    case point(String, String, String)
  }

  /// How a step ends at level `strict`, where no undeclared file is there.
  enum Strict: Equatable {
    /// It fails, and the message names this file.
    case names(String)
    /// It fails.
    case fails
    /// It needs no file.
    case runs
  }

  /// Files that are made by copying a compiled program.
  enum Content {
    case text(String)
    case script(String)
    case program(String)
  }

  let name: String
  let command: String
  var files: [String: Content] = ["f": .text("first\n")]
  var links: [String: String] = [:]
  /// Each makes the step run again at `traced`.
  var changes: [Change] = [.append("f")]
  /// None makes it run again.
  var harmless: [Change] = []
  /// What the record tells, with the kinds of docs/formats/record.md; a kind may be one of several.
  var seen: [String: String] = ["f": "file"]
  /// What it does not tell.
  var unseen: [String] = []
  /// Why the record is incomplete, in words of its sentence; nil when it is complete.
  var incomplete: String?
  var strict: Strict = .names("f")
  /// Whether its output lies among the project's files: then the workspace is an overlay and writing works.
  var overlay = false
  /// The command where nobody watches, when it is another one.
  var declaredCommand: String?

  /// Whether the root of the project counts as listed.
  var opensRoot: Bool { command.hasPrefix("find ") }

  /// Whether it changes what Landlock does not protect.
  var changesMetadata: Bool { ["chmod", "utimes"].contains(name) }

  /// Whether it goes otherwise where there is no private view: root succeeds in leaving its folder, and the filter that
  /// refuses sockets refuses all calls of other machines.
  var needsView: Bool { ["chroot", "setns", "mount", "call-of-32-bits"].contains(name) }

  /// Whether it is about one file, so that declaring `f` as an input says all.
  var isOneFile: Bool {
    // Declared inputs are in the workspace, and at `strict` the project itself is nowhere.
    if command.contains("{project}") { return false }
    if case .append("f", _)? = changes.first, changes.count == 1, links.isEmpty, files.count == 1,
      case .names("f") = strict
    {
      return files["f"] != nil
    }
    return false
  }
}

extension Way {
  static let script: [String: Content] = ["f": .script("#!/bin/sh\necho hello\n")]
  // A script that is run by a script that is run by a script: only the kernel reads the first two.
  static let scripts: [String: Content] = [
    "f": .script("#!{d}/middle\n"), "middle": .script("#!{d}/deep\n"), "deep": .script("#!/bin/sh\necho deep\n"),
  ]

  // MARK: C

  /// The ways of look.c. `{look}` is the program.
  static let system: [Way] =
    plain.map { Way(name: $0, command: "{look} \($0) {d}/f") } + chains + [
      // Without its folder the file is not even asked for.
      Way(name: "openat", command: "{look} openat {d}/f", strict: .fails),
      Way(name: "chdir", command: "{look} chdir {d}/f", strict: .fails),
      Way(name: "fchdir", command: "{look} fchdir {d}/f", strict: .fails),
      Way(
        name: "openat2-root", command: "{look} openat2-root {d}/f", incomplete: "root of its own", strict: .fails),
      // Nobody waits for it.
      Way(name: "daemon", command: "{look} daemon {d}/f", strict: .runs),
      // Whatever is done with the name, the content is recorded.
      Way(name: "lstat", command: "{look} lstat {d}/f"),
      Way(
        name: "getdents", command: "{look} getdents {d}", changes: [.add("new")], harmless: [.append("f")],
        seen: ["": "listing"], unseen: ["f"], strict: .fails),
      Way(
        name: "ask", command: "{look} ask {d}/f", files: [:], seen: ["f": "absent"], strict: .runs),
      Way(
        name: "try", command: "{look} try {d}/f", files: [:], seen: ["f": "absent"], strict: .runs),
      Way(
        name: "try-folder", command: "{look} try {d}/no/f", files: [:], changes: [.append("no/f")],
        seen: ["no/f": "absent"], strict: .runs),
      Way(
        name: "readlink", command: "{look} readlink {d}/l", links: ["l": "f"], changes: [.point("l", "g", "h")],
        harmless: [.append("f")], seen: ["l": "link"], unseen: ["f"], strict: .names("l")),
      Way(
        name: "readlink-descriptor", command: "{look} readlink-descriptor {d}/l", links: ["l": "f"],
        changes: [.point("l", "g", "h")], harmless: [.append("f")], seen: ["l": "link"], unseen: ["f"],
        strict: .names("l")),
      // Attempts: in a view of mounts the files are read-only, and the attempt counts.
      Way(name: "rename", command: "{look} rename {d}/f {d}/g"),
      Way(name: "link", command: "{look} link {d}/f {d}/g"),
      Way(name: "unlink", command: "{look} unlink {d}/f"),
      Way(name: "truncate", command: "{look} truncate {d}/f"),
      // Where they work, the step's own file is no input afterwards.
      Way(name: "rename-overlay", command: "{look} rename {d}/f {d}/g", overlay: true),
      Way(name: "link-overlay", command: "{look} link {d}/f {d}/g", overlay: true),
      Way(name: "unlink-overlay", command: "{look} unlink {d}/f", overlay: true),
      Way(name: "truncate-overlay", command: "{look} truncate {d}/f", overlay: true),
      Way(name: "chmod-overlay", command: "{look} chmod {d}/f", overlay: true),
      Way(name: "utimes-overlay", command: "{look} utimes {d}/f", overlay: true),
      Way(name: "read-write-overlay", command: "{look} read-write {d}/f", overlay: true),
      Way(name: "open-overlay", command: "{look} open {d}/f", overlay: true),
      Way(name: "execve", command: "{look} execve {d}/f", files: script, seen: ["f": "executable"]),
      Way(name: "execveat", command: "{look} execveat {d}/f", files: script, seen: ["f": "executable"], strict: .fails),
      Way(
        name: "execve-program", command: "{look} execve {d}/f", files: ["f": .program("hello")],
        seen: ["f": "executable"]),
      Way(
        name: "fexecve-program", command: "{look} fexecve {d}/f", files: ["f": .program("hello")],
        seen: ["f": "executable"]),
      Way(
        name: "scripts", command: "{look} execve {d}/f", files: scripts,
        changes: [.append("f"), .append("middle"), .append("deep")],
        seen: ["f": "executable", "middle": "executable", "deep": "executable"]),
      Way(
        name: "fexecve-scripts", command: "{look} fexecve {d}/f", files: scripts,
        changes: [.append("f"), .append("middle"), .append("deep")],
        seen: ["f": "executable", "middle": "executable", "deep": "executable"]),
      Way(
        name: "needed", command: "{look} execve {d}/ask",
        files: ["ask": .program("ask"), "libanswer.so": .program("libanswer.so")],
        changes: [.append("ask"), .append("libanswer.so")],
        seen: ["ask": "executable", "libanswer.so": "executable"], strict: .names("ask")),
      Way(
        name: "turned-link", command: "{look} turned-link {d}/f {d}/g",
        files: ["f": .text("first\n"), "g": .text("first\n")], changes: [.append("f"), .append("g")],
        seen: ["f": "file", "g": "file"]),
      Way(
        name: "ring", command: "{look} ring {d}/f refused", declaredCommand: "{look} ring {d}/f"),
      Way(
        name: "descriptors", command: "{look} descriptors -", files: [:], changes: [], seen: [:], strict: .runs),
      // What cannot be followed is said.
      Way(name: "unknown", command: "{look} unknown {d}/f", incomplete: "system call 600 is not known"),
      Way(name: "mount", command: "{look} mount {d}/f", incomplete: "changed what its paths mean"),
      Way(name: "chroot", command: "{look} chroot {d}/f", incomplete: "changed what its paths mean"),
      Way(name: "setns", command: "{look} setns {d}/f", incomplete: "changed what its paths mean"),
      Way(name: "handle", command: "{look} handle {d}/f", incomplete: "without a path"),
      // What is not seen, as docs/guarantees.md says.
      Way(
        name: "stat-odd", command: "{look} stat-odd {d}/f", changes: [], harmless: [.append("f")], seen: [:],
        unseen: ["f"], strict: .fails),
      Way(
        name: "socket", command: "{look} socket {d}/f", changes: [], harmless: [.append("f")], seen: [:],
        unseen: ["f"], strict: .runs),
    ]

  private static let plain = [
    "open", "openat2", "reopen", "mmap", "read-write", "sendfile", "copy-range", "splice", "stat", "old-stat", "statx",
    "access", "faccessat2", "getxattr", "statfs", "inotify", "name-handle", "chmod", "utimes", "fork", "vfork", "clone",
    "clone-sharing", "spawn", "thread", "threads", "self-cwd", "odd-self", "proc-folder",
    "self-root", "pid-cwd", "dev-fd", "dev-stdin", "own-link", "own-workspace-link", "link-to-self",
  ]

  // Links of the project: each on the way counts, and the file at the end.
  private static let chains: [Way] = [
    Way(
      name: "chain", command: "{look} open {d}/one", links: ["one": "two", "two": "f"],
      seen: ["f": "file", "one": "link", "two": "link"], strict: .names("one")),
    Way(
      name: "chain-first", command: "{look} open {d}/one",
      links: ["one": "two", "two": "f", "twin": "f", "third": "f"],
      changes: [.point("one", "twin", "third")], seen: ["f": "file", "one": "link", "two": "link"],
      strict: .names("one")),
    Way(
      name: "chain-second", command: "{look} open {d}/one",
      files: ["f": .text("a\n"), "g": .text("a\n"), "h": .text("a\n")],
      links: ["one": "two", "two": "f"], changes: [.point("two", "g", "h")],
      seen: ["f": "file", "one": "link", "two": "link"], strict: .names("one")),
    Way(
      name: "chain-absolute", command: "{look} stat {d}/one", links: ["one": "{project}/{d}/two", "two": "f"],
      seen: ["f": "file", "one": "link", "two": "link"], strict: .names("one")),
    Way(
      name: "folder-link", command: "{look} open {d}/way/f",
      files: ["one/f": .text("a\n"), "two/f": .text("a\n"), "three/f": .text("a\n")], links: ["way": "one"],
      changes: [.point("way", "two", "three")], seen: ["one/f": "file", "way": "link"], strict: .names("way/f")),
    Way(
      name: "behind-link", command: "{look} open {d}/way/../f",
      files: ["f": .text("not this\n"), "one/f": .text("this\n"), "one/deep/x": .text("x\n")],
      links: ["way": "one/deep"], changes: [.append("one/f")], harmless: [.append("f")],
      seen: ["one/f": "file", "way": "link"], unseen: ["f"], strict: .fails),
    Way(
      name: "dangling", command: "{look} try {d}/l", files: [:], links: ["l": "missing"],
      changes: [.append("missing")], seen: ["l": "link", "missing": "absent"], strict: .runs),
    Way(
      name: "dangling-link", command: "{look} try {d}/l", files: [:], links: ["l": "missing"],
      changes: [.point("l", "other", "third")], seen: ["l": "link", "missing": "absent"], strict: .runs),
    // A link to itself leads nowhere until somebody turns it.
    Way(
      name: "loop", command: "{look} try {d}/l", links: ["l": "l", "g": "f"], changes: [.point("l", "f", "g")],
      seen: ["l": "link"], strict: .runs),
  ]

  /// Only for a program that is not static.
  static let dynamic = [
    Way(
      name: "dlopen", command: "{look} dlopen {d}/f", files: ["f": .program("libanswer.so")], seen: ["f": "executable"])
  ]

  /// Only where the kernel still carries out 32-bit calls.
  static let foreign = [
    Way(
      name: "call-of-32-bits", command: "{look} 32-bits {d}/f", changes: [], harmless: [.append("f")], seen: [:],
      unseen: ["f"], incomplete: "32 bits", strict: .fails)
  ]

  // MARK: Python

  /// The ways of look.py.
  static let python: [Way] =
    [
      "open", "mmap", "pathlib", "stat", "isfile", "access", "subprocess", "shell", "copy",
      "sendfile", "fork", "link", "self-cwd", "dev-fd", "getxattr", "statvfs", "truncate", "ring",
    ].map { Way(name: $0, command: "{look} \($0) {d}/f") } + [
      Way(name: "rename", command: "{look} rename {d}/f {d}/g"),
      Way(name: "realpath", command: "{look} realpath {d}/f", strict: .fails),
      Way(name: "chdir", command: "{look} chdir {d}/f", strict: .fails),
      Way(name: "dir-fd", command: "{look} dir-fd {d}/f", strict: .fails),
      // A thread's failure is not the program's.
      Way(name: "thread", command: "{look} thread {d}/f", strict: .runs),
      Way(name: "hard-link", command: "{look} hard-link {d}/f {d}/g"),
      Way(name: "rename-overlay", command: "{look} rename {d}/f {d}/g", overlay: true),
      Way(
        name: "readlink", command: "{look} readlink {d}/l", links: ["l": "f"], changes: [.point("l", "g", "h")],
        harmless: [.append("f")], seen: ["l": "link"], unseen: ["f"], strict: .names("l")),
      Way(
        name: "listdir", command: "{look} listdir {d}", changes: [.add("new")], harmless: [.append("f")],
        seen: ["": "listing"], unseen: ["f"], strict: .fails),
      Way(
        name: "scandir", command: "{look} scandir {d}", changes: [.add("new")], harmless: [.append("f")],
        seen: ["": "listing"], unseen: ["f"], strict: .fails),
      Way(
        name: "walk", command: "{look} walk {d}", files: ["f": .text("x\n"), "sub/g": .text("x\n")],
        changes: [.add("new"), .add("sub/new")], harmless: [.append("f")], seen: ["": "listing", "sub": "listing"],
        unseen: ["f"], strict: .runs),
      Way(
        name: "glob", command: "{look} glob {d}", files: ["a.txt": .text("x\n")], changes: [.add("new")],
        harmless: [.append("a.txt")], seen: ["": "listing"], unseen: ["a.txt"], strict: .runs),
      Way(name: "ask", command: "{look} ask {d}/f", files: [:], seen: ["f": "absent"], strict: .runs),
      Way(name: "try", command: "{look} try {d}/f", files: [:], seen: ["f": "absent"], strict: .runs),
      Way(
        name: "import", command: "{look} import {d}/mod.py", files: ["mod.py": .text("VALUE = 1\n")],
        changes: [.append("mod.py")], seen: ["mod.py": "file"], strict: .fails),
      // A folder of the name goes before the file.
      Way(
        name: "import-shadow", command: "{look} import {d}/mod.py", files: ["mod.py": .text("VALUE = 1\n")],
        changes: [.append("mod/__init__.py", "VALUE = 2\n")], seen: ["mod.py": "file"], strict: .fails),
      // Bytecode of the project is not there for a step.
      Way(
        name: "import-bytecode", command: "{look} import {d}/mod.py",
        files: ["mod.py": .text("VALUE = 1\n"), "__pycache__/mod.cpython-311.pyc": .text("stale")],
        changes: [.append("mod.py")], harmless: [.append("__pycache__/mod.cpython-311.pyc")],
        seen: ["mod.py": "file"], unseen: ["__pycache__/mod.cpython-311.pyc"], strict: .fails),
      Way(name: "runpy", command: "{look} runpy {d}/f", files: ["f": .text("print(1)\n")]),
      Way(name: "exec", command: "{look} exec {d}/f", files: ["f": .text("print(1)\n")]),
      Way(
        name: "ctypes", command: "{look} ctypes {d}/f", files: ["f": .program("libanswer.so")],
        seen: ["f": "executable"]),
      Way(
        name: "copytree", command: "{look} copytree {d}/sub", files: ["sub/f": .text("x\n")],
        changes: [.append("sub/f"), .add("sub/new")], seen: ["sub": "listing", "sub/f": "file"], strict: .fails),
      Way(name: "unknown", command: "{look} unknown {d}/f", incomplete: "system call 600 is not known"),
    ]

  // MARK: shell

  /// Ways of shell scripts and of the programs that they start.
  static let shell: [Way] = [
    Way(name: "cat", command: "cat {d}/f"),
    Way(name: "redirect", command: "while read line; do echo $line; done < {d}/f"),
    Way(name: "source", command: ". {d}/f", files: ["f": .text("echo sourced\n")]),
    Way(name: "sh", command: "sh {d}/f", files: ["f": .text("echo run\n")]),
    Way(name: "script", command: "{d}/f", files: script, seen: ["f": "executable"]),
    Way(
      name: "scripts", command: "{d}/f", files: scripts,
      changes: [.append("f"), .append("middle"), .append("deep")],
      seen: ["f": "executable", "middle": "executable", "deep": "executable"]),
    Way(name: "test", command: "test -r {d}/f"),
    Way(
      name: "absent", command: "if test -e {d}/f; then cat {d}/f; else echo none; fi", files: [:],
      seen: ["f": "absent"], strict: .runs),
    Way(
      name: "ls", command: "ls {d}", changes: [.add("new")], harmless: [.append("f")], seen: ["": "listing"],
      unseen: ["f"], strict: .fails),
    Way(
      name: "glob", command: "echo {d}/*", changes: [.add("new")], harmless: [.append("f")], seen: ["": "listing"],
      unseen: ["f"], strict: .runs),
    Way(
      name: "find", command: "find {d} -name 'f*'", changes: [.add("new")], seen: ["": "listing"], strict: .fails),
    Way(
      name: "tar", command: "tar cf - {d} | wc -c", changes: [.append("f"), .add("new")],
      seen: ["": "listing", "f": "file"], strict: .runs),
    Way(name: "cp", command: "cp {d}/f $TMPDIR/copy && cat $TMPDIR/copy"),
    Way(name: "cd", command: "cd {d} && cat f", strict: .fails),
    Way(name: "own-link", command: "ln -s \"$PWD/{d}/f\" $TMPDIR/link && cat $TMPDIR/link"),
    Way(name: "stdin", command: "cat /dev/stdin < {d}/f"),
    Way(name: "proc-stdin", command: "cat /proc/self/fd/0 < {d}/f"),
    Way(name: "dev-fd", command: "cat /dev/fd/5 5< {d}/f"),
    Way(name: "proc-cwd", command: "cat /proc/self/cwd/{d}/f"),
    Way(name: "background", command: "cat {d}/f & wait $!"),
    Way(name: "daemon", command: "setsid sh -c '(cat {d}/f) & ' | cat", strict: .runs),
    Way(
      name: "path", command: "PATH={d}/first:{d}/second:$PATH tool",
      files: ["second/tool": .script("#!/bin/sh\necho tool\n")],
      changes: [.append("first/tool"), .append("second/tool")],
      seen: ["first/tool": "absent", "second/tool": "executable"], strict: .names("second/tool")),
    Way(
      name: "dangling", command: "cat {d}/l || true", files: [:], links: ["l": "missing"],
      changes: [.append("missing")], seen: ["l": "link", "missing": "absent"], strict: .runs),
    Way(
      name: "readlink", command: "readlink {d}/l", links: ["l": "f"], changes: [.point("l", "g", "h")],
      harmless: [.append("f")], seen: ["l": "link"], unseen: ["f"], strict: .names("l")),
    Way(
      name: "overwrite", command: "echo mine > {d}/f && cat {d}/f", changes: [], harmless: [.append("f")],
      seen: [:], unseen: ["f"], strict: .runs, overlay: true),
    Way(
      name: "ls-overlay", command: "echo x > {d}/own && ls {d}", changes: [.add("new")], harmless: [.append("f")],
      seen: ["": "listing"], unseen: ["f", "own"], strict: .runs, overlay: true),
    Way(
      name: "move-folder", command: "mv {d}/sub {d}/moved && cat {d}/moved/f", files: ["sub/f": .text("x\n")],
      changes: [.append("sub/f")], seen: ["sub/f": "file"], strict: .fails, overlay: true),
    Way(name: "absolute", command: "cat {project}/{d}/f"),
    Way(name: "edit", command: "sed -i s/first/second/ {d}/f && cat {d}/f", overlay: true),
    Way(name: "move", command: "mv {d}/f {d}/g && cat {d}/g", overlay: true),
  ]
}
