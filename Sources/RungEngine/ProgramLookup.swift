import Glibc
import RungCore

/// Finds the program that a command starts with, so that its content can be part of the key.
enum ProgramLookup {
  /// The name of the program at the start of a shell line or argument list as declared: a plain word that is neither
  /// filled in nor a word of the shell. Nil when there is no such word: the command is then known by its text alone.
  static func name(inShellText text: String) -> String? {
    let line = text.drop { $0 == " " || $0 == "\n" }
    guard !text.contains("\n") || !line.dropLast().contains("\n") else { return nil }
    let word = line.prefix { $0 != " " && $0 != "\n" }
    guard !word.isEmpty, isPlainWord(word), !word.contains("=") else { return nil }
    return String(word)
  }

  private static func isPlainWord(_ word: Substring) -> Bool {
    word.utf8.allSatisfy { byte in
      switch byte {
      case 48...57, 65...90, 97...122, UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "+"),
        UInt8(ascii: "/"):
        true
      default: false
      }
    }
  }

  /// The file that a name means on a PATH, links resolved; nil when there is none or it is not executable. A name with
  /// a relative path in it means a file of the workspace, which is an input, and is nil here.
  static func resolve(_ name: String, path: String) -> String? {
    if name.hasPrefix("/") { return executable(name) }
    guard !name.contains("/") else { return nil }
    for folder in path.split(separator: ":", omittingEmptySubsequences: true) where folder.hasPrefix("/") {
      if let found = executable("\(folder)/\(name)") { return found }
    }
    return nil
  }

  private static func executable(_ path: String) -> String? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, access(path, X_OK) == 0,
      let real = realpath(path, nil)
    else { return nil }
    defer { free(real) }
    return String(cString: real)
  }
}
