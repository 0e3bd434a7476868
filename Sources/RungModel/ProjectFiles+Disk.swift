import Glibc
import RungCore

extension ProjectFiles {
  /// The files below an absolute folder. Safe to use from several threads: it keeps no state.
  public static func onDisk(root: String) -> ProjectFiles {
    ProjectFiles(
      read: { path, limit in try DiskFiles.read(path.absolute(in: root), limit: limit) },
      kind: { DiskFiles.kind($0.absolute(in: root)) },
      list: { DiskFiles.list($0.absolute(in: root)) },
      staysInside: { DiskFiles.staysInside($0, root: root) }, isLink: { DiskFiles.isLink($0.absolute(in: root)) })
  }
}

// The system calls behind `ProjectFiles.onDisk`.
private enum DiskFiles {
  /// Why a file cannot be read.
  struct Unreadable: Error, CustomStringConvertible {
    var description: String
    init(_ code: Int32) { description = String(cString: strerror(code)) }
    init(_ reason: String) { description = reason }
  }

  static func read(_ path: String, limit: Int) throws(Unreadable) -> [UInt8]? {
    // O_NONBLOCK: opening a pipe must not wait for somebody to write into it.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw Unreadable(errno)
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw Unreadable(errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw Unreadable("it is not a regular file") }
    let wanted = limit + 1
    var bytes: [UInt8] = []
    bytes.reserveCapacity(min(wanted, Int(status.st_size) + 1))
    var buffer = [UInt8](repeating: 0, count: 65536)
    while bytes.count < wanted {
      let count = Glibc.read(descriptor, &buffer, min(buffer.count, wanted - bytes.count))
      if count < 0 {
        if errno == EINTR { continue }
        throw Unreadable(errno)
      }
      if count == 0 { break }
      bytes += buffer[..<count]
    }
    return bytes
  }

  static func kind(_ path: String) -> ProjectFiles.Kind? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .file
    case S_IFDIR: return .directory
    default: return .other
    }
  }

  static func isLink(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
  }

  static func list(_ path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  // What does not exist yet is judged by the nearest folder that does.
  static func staysInside(_ path: RelativePath, root: String) -> Bool {
    guard let top = resolved(root) else { return false }
    var path = path
    while !path.text.isEmpty {
      if let real = resolved(path.absolute(in: root)) {
        return real == top || real.hasPrefix(top == "/" ? top : top + "/")
      }
      path = path.parent
    }
    return true
  }

  private static func resolved(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }
}
