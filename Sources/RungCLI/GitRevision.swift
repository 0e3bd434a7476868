import Glibc
import RungPlan

/// Names of commits, as git knows them.
enum GitRevision {
  /// The commit that a name stands for in the repository around a folder, in full; nil when there is none, or no git.
  static func commit(_ name: String, in folder: String) -> String? {
    // What begins with a dash would be an option; git's own names hold neither of these.
    guard !name.isEmpty, !name.hasPrefix("-"), !name.utf8.contains(0), name.utf8.count <= 250 else { return nil }
    let command =
      "git -C \(Substitution.quoted(folder)) rev-parse --verify --quiet --end-of-options"
      + " \(Substitution.quoted(name + "^{commit}")) 2>/dev/null"
    guard let pipe = popen(command, "re") else { return nil }
    var buffer = [UInt8](repeating: 0, count: 128)
    let count = fread(&buffer, 1, buffer.count, pipe)
    guard pclose(pipe) == 0 else { return nil }
    let line = String(decoding: buffer[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    return line.utf8.count >= 40 ? line : nil
  }
}
