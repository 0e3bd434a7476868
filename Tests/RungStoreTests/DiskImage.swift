import Glibc
import RungCore

@testable import RungStore

/// Names and bytes below one folder, as a disk could hold them.
struct DiskImage: Sendable {
  enum Node: Sendable {
    case file([UInt8])
    case folder([String: Int])
    case link(String)
  }
  /// Node 0 is the folder itself. A node without a name is not on the disk.
  var nodes: [Node] = [.folder([:])]

  /// One thing that the system was asked to do and may not have done yet.
  enum Change: Sendable {
    case name(folder: Int, String, node: Int?)
    case rename(folder: Int, String, newFolder: Int, String, node: Int)
    case write(node: Int, offset: Int, [UInt8])
    case cut(node: Int, Int)
    case replace(node: Int, [UInt8])

    var isName: Bool {
      switch self {
      case .name, .rename: true
      case .write, .cut, .replace: false
      }
    }
  }

  /// What a crash makes of a change. Of a write its first or its last part may have arrived, at a sector's border, or
  /// only the file's new size; what did not arrive reads as zeros where the file had nothing before.
  enum Fate: Sendable { case kept, lost, head, tail, zeros }

  func folder(_ node: Int) -> [String: Int]? {
    if case .folder(let names) = nodes[node] { names } else { nil }
  }

  func bytes(_ node: Int) -> [UInt8]? {
    if case .file(let bytes) = nodes[node] { bytes } else { nil }
  }

  mutating func apply(_ change: Change, _ fate: Fate = .kept) {
    if fate == .lost { return }
    switch change {
    case .name(let folder, let name, let node):
      guard var names = self.folder(folder) else { return }
      // No file system loses a folder before what is in it.
      if node == nil, let old = names[name], self.folder(old)?.isEmpty == false { return }
      names[name] = node
      nodes[folder] = .folder(names)
    case .rename(let folder, let name, let newFolder, let newName, let node):
      if var names = self.folder(folder), names[name] == node {
        names[name] = nil
        nodes[folder] = .folder(names)
      }
      guard var names = self.folder(newFolder) else { return }
      names[newName] = node
      nodes[newFolder] = .folder(names)
    case .write(let node, let offset, let bytes):
      let end = offset + bytes.count
      let middle = (offset + bytes.count / 2) / 512 * 512
      // Bytes of one sector arrive together or not at all.
      let border = middle > offset ? middle : offset
      switch fate {
      case .head: patch(node, offset, bytes[..<(border - offset)], grow: end)
      case .tail: patch(node, border, bytes[(border - offset)...], grow: end)
      case .zeros: patch(node, offset, [], grow: end)
      case .kept, .lost: patch(node, offset, bytes[...], grow: end)
      }
    case .cut(let node, let size):
      guard var old = bytes(node) else { return }
      if size <= old.count { old.removeLast(old.count - size) } else { grow(&old, size) }
      nodes[node] = .file(old)
    case .replace(let node, let bytes):
      nodes[node] = .file(fate == .zeros ? [UInt8](repeating: 0, count: bytes.count) : bytes)
    }
  }

  private func grow(_ bytes: inout [UInt8], _ size: Int) {
    if size > bytes.count { bytes += [UInt8](repeating: 0, count: size - bytes.count) }
  }

  private mutating func patch(_ node: Int, _ offset: Int, _ piece: ArraySlice<UInt8>, grow size: Int) {
    guard case .file(var bytes) = nodes[node] else { return }
    nodes[node] = .file([])  // so that nobody else holds the bytes and they are not copied
    grow(&bytes, size)
    bytes.withUnsafeMutableBytes { buffer in
      piece.withUnsafeBytes { from in
        guard let base = buffer.baseAddress, let first = from.baseAddress else { return }
        memcpy(base + offset, first, from.count)
      }
    }
    nodes[node] = .file(bytes)
  }

  /// Everything that has a name, by path, parents first.
  func paths() -> [(path: String, node: Int)] {
    var result: [(String, Int)] = []
    func walk(_ node: Int, _ path: String) {
      for (name, child) in (folder(node) ?? [:]).sorted(by: { $0.key < $1.key }) {
        let inside = path.isEmpty ? name : "\(path)/\(name)"
        result.append((inside, child))
        walk(child, inside)
      }
    }
    walk(0, "")
    return result
  }

  /// The same for equal images, and only for them.
  func fingerprint() -> Digest {
    var hash = SHA256()
    func add(_ bytes: [UInt8]) {
      withUnsafeBytes(of: bytes.count) { hash.update($0) }
      bytes.withUnsafeBytes { hash.update($0) }
    }
    for (path, node) in paths() {
      add(Array(path.utf8))
      switch nodes[node] {
      case .file(let bytes): add(bytes)
      case .folder: add([1])
      case .link(let target): add(Array("link \(target)".utf8))
      }
    }
    return hash.digest()
  }

  /// Makes the image real in the existing, empty folder.
  func write(to folder: String) throws {
    for (path, node) in paths() {
      let place = "\(folder)/\(path)"
      switch nodes[node] {
      case .file(let bytes): try RungStoreTests.write(bytes, to: place)
      case .folder: mkdir(place, 0o777)
      case .link(let target): symlink(target, place)
      }
    }
  }
}
