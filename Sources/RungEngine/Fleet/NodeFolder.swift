import Glibc
import RungExec

/// A folder on a machine's own disk that belongs to one worker, gone with it.
final class NodeFolder: Sendable {
  let path: String

  /// Below TMPDIR, which clusters set to a disk of the node, or /tmp; `name` is for people.
  init(_ name: String) throws(ExecError) {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    path = "\(parent)/rung-\(geteuid())-\(name)-\(getpid())-\(String(UInt32.random(in: .min ... .max), radix: 36))"
    if mkdir(path, 0o700) != 0 { throw .system("make the folder", path) }
  }

  /// The store of the worker.
  var cache: String { "\(path)/cache" }

  deinit { try? removeTree(path) }
}
