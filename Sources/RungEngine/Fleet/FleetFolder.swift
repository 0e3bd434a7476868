import Glibc
import RungCore
import RungExec

/// The folder through which a run and its workers speak, in a place that all of them see; docs/formats/fleet.md.
///
/// Everything in it is a small file that appears whole, by a rename, and is removed by the one that it is meant for. Nobody
/// waits in it for anybody: whoever reads looks again after a while.
struct FleetFolder: Sendable {
  /// Absolute.
  let path: String

  /// The name of the fleet, by which its jobs are known to the cluster.
  var name: String { path.split(separator: "/").last.map(String.init) ?? path }

  /// Held by the run.
  var owner: String { "\(path)/owner" }
  /// What every worker has to know.
  var settings: String { "\(path)/fleet.json" }
  /// What workers say of steps.
  var done: String { "\(path)/done" }
  /// Where jobs write what they print.
  var logs: String { "\(path)/logs" }
  /// Where objects lie on their way, when no other exchange is named.
  var exchange: String { "\(path)/exchange" }
  /// The worker folders.
  var workers: String { "\(path)/workers" }
  /// A layer that tasks have in common.
  func layer(_ name: String) -> String { "\(path)/layers/\(name)" }
  /// Which names in the project's folders count as no source.
  func names(_ digest: Digest) -> String { "\(path)/names/\(digest.hex)" }

  /// One worker's folder.
  func worker(_ job: String) -> WorkerFolder { WorkerFolder(path: "\(workers)/\(job)") }

  /// Makes the folder, for this user alone: tasks may hold secrets.
  func make() throws(ExecError) {
    for folder in [path, done, logs, workers, "\(path)/layers", "\(path)/names"] {
      if mkdir(folder, 0o700) != 0 && errno != EEXIST { throw .system("make the folder", folder) }
    }
  }

  /// What is said of a task: that it was started, or its result.
  func says(_ what: String, of task: String, by job: String) -> String { "\(done)/\(task)@\(job).\(what)" }

  /// The names in a folder, without those that begin with a dot; none when it is not there.
  static func list(_ folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }

  /// Writes a file whole: under a name that nobody looks at, then in its place.
  static func write(_ json: JSON, to path: String) throws(ExecError) {
    let slash = path.lastIndex(of: "/") ?? path.startIndex
    let temporary = "\(path[..<slash])/.\(getpid()).\(path[path.index(after: slash)...])"
    let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw .system("make", temporary) }
    let bytes = json.compactBytes
    var at = 0
    while at < bytes.count {
      let count = bytes[at...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        let code = errno
        close(file)
        unlink(temporary)
        throw .system("write", temporary, code)
      }
      at += count
    }
    // On NFS, what is closed is at the server.
    guard close(file) == 0, rename(temporary, path) == 0 else {
      let code = errno
      unlink(temporary)
      throw .system("write", path, code)
    }
  }

  /// Reads a file; nil when it is not there or holds something else.
  static func read(_ path: String) -> JSON? {
    guard let bytes = readFile(path) else { return nil }
    return try? JSON(parsing: bytes)
  }
}

/// The folder of one worker, made by it.
struct WorkerFolder: Sendable {
  /// Absolute.
  let path: String

  /// Held by the worker as long as it lives.
  var alive: String { "\(path)/alive" }
  /// What it has.
  var state: String { "\(path)/worker.json" }
  /// What it is given.
  var inbox: String { "\(path)/inbox" }
  /// What it executes.
  var running: String { "\(path)/running" }
  /// Why it ended, if it could still say.
  var farewell: String { "\(path)/farewell.json" }

  /// A step to execute.
  func task(_ name: String) -> String { "\(inbox)/\(name).task" }
  /// The wish that a step end; `now`, not politely.
  func stop(_ name: String, now: Bool) -> String { "\(inbox)/\(name).\(now ? "kill" : "stop")" }
  /// The wish that the worker end.
  var end: String { "\(inbox)/end" }
}
