import Glibc
import RungPlan
import Synchronization

/// The commit that the project's tree stands on.
struct GitState: Sendable {
  let commit: String
  /// Whether files differ from the commit, or are not in it.
  let dirty: Bool

  /// Asks git; nil when the project is in no repository or git is not installed.
  static func read(_ root: String) -> GitState? {
    let quoted = Substitution.quoted(root)
    let command =
      "GIT_OPTIONAL_LOCKS=0; export GIT_OPTIONAL_LOCKS; git -C \(quoted) rev-parse HEAD 2>/dev/null"
      + " && git -C \(quoted) status --porcelain -- . ':(exclude)cache' 2>/dev/null | head -c 1"
    guard let pipe = popen(command, "re") else { return nil }
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 256)
    while true {
      let count = fread(&buffer, 1, buffer.count, pipe)
      if count == 0 { break }
      output += buffer[..<count]
    }
    guard pclose(pipe) == 0 else { return nil }
    let lines = output.split(separator: UInt8(ascii: "\n"), maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = lines.first, first.count >= 40 else { return nil }
    return GitState(
      commit: String(decoding: first, as: UTF8.self), dirty: lines.count > 1 && !lines[1].isEmpty)
  }
}

/// All bytes of a small file; nil when it cannot be read.
func readFile(_ path: String) -> [UInt8]? {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65536)
  while true {
    let count = read(descriptor, &buffer, buffer.count)
    if count < 0 {
      if errno == EINTR { continue }
      return nil
    }
    if count == 0 { return bytes }
    bytes += buffer[..<count]
  }
}

extension GitState {
  /// The state, asked for once: when the first record is written.
  final class Once: Sendable {
    private let root: String
    private let answer = Mutex<GitState??>(nil)

    init(root: String) { self.root = root }

    var state: GitState? {
      answer.withLock { answer in
        if let known = answer { return known }
        let state = GitState.read(root)
        answer = .some(state)
        return state
      }
    }
  }
}
