import Glibc
import RungCore

/// A folder for what goes through files, gone with the value.
final class ScratchFolder {
  private let path: String
  private var counter = 0

  /// A new folder below another, which is made where it is not there. What killed processes left there is taken away.
  init(under parent: String) throws(RemoteError) {
    mkdir(parent, 0o755)
    Self.sweep(parent)
    path = "\(parent)/rung-remote-\(RemoteFiles.unusedName())"
    guard mkdir(path, 0o700) == 0 else {
      throw RemoteError(.local, "cannot make the folder \(path): \(RemoteFiles.reason(errno))")
    }
  }

  deinit { Self.remove(path) }

  /// An empty folder in it, instead of what was there under the name.
  func fresh(_ name: String) throws(RemoteError) -> String {
    let folder = "\(path)/\(name)"
    Self.remove(folder)
    guard mkdir(folder, 0o700) == 0 else {
      throw RemoteError(.local, "cannot make the folder \(folder): \(RemoteFiles.reason(errno))")
    }
    return folder
  }

  /// A file with these lines.
  func list(_ lines: [String]) throws(RemoteError) -> String {
    counter += 1
    let name = "\(path)/list-\(counter)"
    let file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw RemoteError(.local, "cannot write \(name): \(RemoteFiles.reason(errno))") }
    defer { close(file) }
    do throws(RemoteError) {
      try Array((lines.joined(separator: "\n") + "\n").utf8).withRaw { raw throws(RemoteError) in
        try RemoteFiles.write(file, raw, name)
      }
    } catch {
      throw RemoteError(.local, "cannot write \(name): \(error.message)")
    }
    return name
  }

  private static func sweep(_ parent: String) {
    for name in names(parent) where name.hasPrefix("rung-remote-") {
      guard let process = pid_t(name.dropFirst("rung-remote-".count).prefix { $0 != "-" }) else { continue }
      if kill(process, 0) != 0, errno == ESRCH { remove("\(parent)/\(name)") }
    }
  }

  private static func names(_ folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var found: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != "." && name != ".." { found.append(name) }
    }
    return found
  }

  private static func remove(_ path: String) {
    if unlink(path) == 0 || errno == ENOENT { return }
    for name in names(path) { remove("\(path)/\(name)") }
    rmdir(path)
  }
}
