import CLinux
import Glibc

/// The folder that a report is written to: whole or not at all. A new report is made beside the old one and takes its place
/// in one step, so that whoever stops the command, or reads the report meanwhile, has the old one.
///
/// Nothing is synchronised with the disk: after a power cut a report may have to be written again.
struct ReportFolder {
  /// Where the report will lie.
  let path: String

  // Follows the name of a report that is being written, before the number of the process.
  private static let unfinished = ".rung-"
  // What tells a report from any other folder.
  private static let mark = ".rung-report"

  /// The folder at a path. Throws `RequestError` when something is there that is no report.
  init(_ path: String) throws {
    var path = path
    while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
    self.path = path
    var status = stat()
    guard lstat(path, &status) == 0 else {
      guard errno == ENOENT else { throw Self.failure("look at", path) }
      return
    }
    let refusal = RequestError(
      message: "'\(path)' is there already and is no report",
      hints: ["name another folder with -o; nothing was changed"])
    guard status.st_mode & S_IFMT == S_IFDIR else { throw refusal }
    guard access("\(path)/\(Self.mark)", F_OK) != 0 else { return }
    guard try Self.names(path).isEmpty else { throw refusal }
  }

  /// Calls `body` with what writes a file of the report, by its path in it, then puts the report in its place.
  func write(_ body: ((String, [UInt8]) throws -> Void) throws -> Void) throws {
    let fresh = "\(path)\(Self.unfinished)\(getpid())"
    sweep()
    Self.remove(fresh)
    guard mkdir(fresh, 0o777) == 0 else { throw Self.failure("make", fresh) }
    do {
      var folders: Set<String> = []
      try Self.write(
        Array("A report by Rung. `rung report` may replace this folder.\n".utf8), to: "\(fresh)/\(Self.mark)")
      try body { file, bytes in
        if let slash = file.lastIndex(of: "/"), folders.insert(String(file[..<slash])).inserted {
          let folder = "\(fresh)/\(file[..<slash])"
          guard mkdir(folder, 0o777) == 0 else { throw Self.failure("make", folder) }
        }
        try Self.write(bytes, to: "\(fresh)/\(file)")
      }
      try takeThePlace(fresh)
    } catch {
      Self.remove(fresh)
      throw error
    }
  }

  // Removes what killed processes of this machine have left beside the report. Only what has our mark in it.
  private func sweep() {
    let slash = path.lastIndex(of: "/")
    let parent = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let beginning = String(slash.map { path[path.index(after: $0)...] } ?? path[...]) + Self.unfinished
    for name in (try? Self.names(parent)) ?? [] where name.hasPrefix(beginning) {
      guard let process = pid_t(name.dropFirst(beginning.count)), process != getpid(),
        kill(process, 0) != 0, errno == ESRCH, access("\(parent)/\(name)/\(Self.mark)", F_OK) == 0
      else { continue }
      Self.remove("\(parent)/\(name)")
    }
  }

  // `rename` replaces an empty folder; a full one is exchanged where the file system can, and else moved away first.
  private func takeThePlace(_ fresh: String) throws {
    if rename(fresh, path) == 0 { return }
    guard errno == ENOTEMPTY || errno == EEXIST else { throw Self.failure("write", path) }
    if rung_exchange(fresh, path) == 0 {
      Self.remove(fresh)
      return
    }
    let old = "\(path).rung-old-\(getpid())"
    guard rename(path, old) == 0 else { throw Self.failure("replace", path) }
    guard rename(fresh, path) == 0 else {
      let reason = Self.failure("write", path)
      rename(old, path)
      throw reason
    }
    Self.remove(old)
  }

  private static func write(_ bytes: [UInt8], to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure("write", path) }
    defer { close(descriptor) }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw failure("write", path)
      }
      rest = rest.dropFirst(count)
    }
  }

  private static func names(_ path: String) throws -> [String] {
    guard let stream = opendir(path) else { throw failure("read", path) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  // A folder of ours and all in it; links are not followed. What cannot be removed stays.
  private static func remove(_ path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR {
      for name in (try? names(path)) ?? [] { remove("\(path)/\(name)") }
      rmdir(path)
    } else {
      unlink(path)
    }
  }

  private static func failure(_ verb: String, _ path: String) -> FileReplacement.Failure {
    FileReplacement.Failure(description: "cannot \(verb) \(path): \(String(cString: strerror(errno)))")
  }
}
