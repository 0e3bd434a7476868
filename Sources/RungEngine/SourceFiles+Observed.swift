import Glibc
import RungCore
import RungExec
import RungLedger

extension SourceFiles {
  /// What is at a path, links not followed, in the terms of an observed set.
  enum Seen: Hashable {
    case absent
    case file(Digest, executable: Bool)
    case folder
    case link(Digest)
    /// Neither, or one that may not be read.
    case other
  }

  /// What is now at a path that was observed once: relative to the project, or absolute. Looked at once in a run.
  mutating func seen(_ path: String) -> Seen {
    if let known = sightings[path] { return known }
    let answer = look(path)
    sightings[path] = answer
    let note: Looks.Seen =
      switch answer {
      case .absent: .absent
      case .file(let digest, let executable): .file(digest, executable: executable)
      case .folder: .folder
      case .link(let digest): .link(digest)
      case .other: .other
      }
    looks?.note(path, follows: false, note)
    return answer
  }

  private mutating func look(_ path: String) -> Seen {
    let place = absolute(path)
    var status = stat()
    guard lstat(place, &status) == 0 else { return .absent }
    switch status.st_mode & S_IFMT {
    case S_IFREG:
      guard case .file(let digest, _, let executable)? = try? content(observed: path, status) else { return .other }
      return .file(digest, executable: executable)
    case S_IFDIR: return .folder
    case S_IFLNK:
      var target = [UInt8](repeating: 0, count: 4096)
      let length = target.withUnsafeMutableBytes { buffer in
        buffer.baseAddress.map { readlink(place, $0.assumingMemoryBound(to: CChar.self), buffer.count) } ?? -1
      }
      return length < 0 ? .other : .link(Digest(of: Array(target[..<length])))
    default: return .other
    }
  }

  /// The names in a folder of the project, in no order; nil when it cannot be listed. Looked at once in a run.
  mutating func namesSeen(in folder: String) -> [[UInt8]]? {
    if let known = listings[folder] { return known }
    let listing = FolderNames(in: absolute(folder))
    listings[folder] = .some(listing?.names)
    // One that cannot be listed is no folder as far as anybody can tell.
    looks?.note(folder, follows: false, listing.map { .listing($0.digest) } ?? .other)
    return listing?.names
  }

  private func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : path.isEmpty ? root : "\(root)/\(path)"
  }

  /// Whether an entry of the stat cache is of just the file that was seen. Says nothing of its age.
  static func isOf(_ entry: StatEntry, _ path: ObservedPath) -> Bool {
    entry.device == path.device && entry.inode == path.inode && entry.size == path.size
      && entry.modified == path.modified && entry.changed == path.changed && entry.mode == path.mode
  }

  /// Whether a file is still as it was seen.
  static func isSame(_ status: stat, _ path: ObservedPath) -> Bool {
    UInt64(status.st_dev) == path.device && UInt64(status.st_ino) == path.inode && Int64(status.st_size) == path.size
      && nanoseconds(status.st_mtim) == path.modified && nanoseconds(status.st_ctim) == path.changed
  }
}
