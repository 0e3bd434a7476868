import RungCore
import RungExec
import RungLedger

/// Which of the things that a step was seen to use count as its inputs (docs/guarantees.md). Pure.
struct Observing: Sendable {
  /// Files of the project that runs publish, and the folders that they lie in: by folder the names in it. They come
  /// and go with runs and are nobody's sources, so a folder's list of names is taken without them.
  let publishedNames: [String: Set<String>]

  init(publishedNames: [String: Set<String>]) { self.publishedNames = publishedNames }

  init(published: some Sequence<String>, cache: String?) {
    var names: [String: Set<String>] = [:]
    for path in Array(published) + (cache.map { [$0] } ?? []) {
      var current = path[...]
      while !current.isEmpty {
        let slash = current.lastIndex(of: "/")
        let folder = slash.map { String(current[..<$0]) } ?? ""
        let name = slash.map { String(current[current.index(after: $0)...]) } ?? String(current)
        if !names[folder, default: []].insert(name).inserted { break }
        current = current[..<(slash ?? current.startIndex)]
      }
    }
    publishedNames = names
  }

  /// What is asked about a path, to be answered by the disk.
  enum Question: Hashable {
    /// The content of a file that was seen.
    case content
    /// Nothing more: what was seen says it all.
    case none(ObservedSet.Kind, Digest?)
  }

  /// What is to be kept of a path; nil for nothing.
  func question(_ path: ObservedPath) -> Question? {
    path.isInProject ? inProject(path) : onMachine(path)
  }

  private func inProject(_ path: ObservedPath) -> Question? {
    if path.isStaged { return nil }
    switch path.kind {
    case .absent: return Question.none(.absent, nil)
    case .link: return Question.none(.link, Digest(of: path.extra))
    case .other: return Question.none(.other, nil)
    case .file: return .content
    case .folder:
      if path.uses.contains(.listed) { return Question.none(.listing, listing(path.names, in: path.path)) }
      if path.uses.contains(.imported) { return Question.none(.modules, modules(path.names, in: path.path)) }
      return Question.none(.folder, nil)
    }
  }

  private func onMachine(_ path: ObservedPath) -> Question? {
    if Self.isAdministration(path.path) || path.path.contains("/__pycache__/") { return nil }
    switch path.kind {
    case .absent: return Question.none(.absent, nil)
    case .link: return Question.none(.link, Digest(of: path.extra))
    case .file:
      // Python reads its bytecode and only looks at the source; the source is what counts.
      return path.uses.contains(.read) || path.path.hasSuffix(".py") ? .content : nil
    // Folders outside the project hold more than a step can mean, such as all installed packages.
    case .folder, .other: return nil
    }
  }

  /// The digest of the names in a folder of the project, as it counts.
  func listing(_ names: [[UInt8]], in folder: String) -> Digest {
    ObservedSet.listingDigest(names: sources(names, in: folder))
  }

  /// The digest of those names that Python can import.
  func modules(_ names: [[UInt8]], in folder: String) -> Digest {
    ObservedSet.listingDigest(names: sources(names, in: folder).filter(Self.isImportable))
  }

  private func sources(_ names: [[UInt8]], in folder: String) -> [[UInt8]] {
    let published = publishedNames[folder] ?? []
    return names.filter { bytes in
      if bytes == Self.bytecodeFolder { return false }
      return published.isEmpty || !published.contains(String(decoding: bytes, as: UTF8.self))
    }
  }

  // Files by their ending; what has none may be a package's folder.
  private static func isImportable(_ name: [UInt8]) -> Bool {
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return true }
    return ["py", "pyc", "so", "zip", "egg"].contains { $0.utf8.elementsEqual(name[(dot + 1)...]) }
  }

  private static let bytecodeFolder = Array("__pycache__".utf8)

  // What describes the machine and its users, not a program. It differs from host to host in one laboratory.
  private static func isAdministration(_ path: String) -> Bool {
    switch path {
    case "/etc/ld.so.cache", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/hosts", "/etc/host.conf",
      "/etc/hostname", "/etc/resolv.conf", "/etc/machine-id", "/etc/mtab", "/etc/localtime":
      true
    default: false
    }
  }
}
