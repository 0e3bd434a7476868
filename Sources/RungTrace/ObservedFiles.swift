import RungCore
import RungLedger

/// The contents that executions were observed to read, from their sets, each file and content once.
///
/// Sets are shared by many executions, and different ones share most of their files: so a set is a list of numbers here,
/// and memory is in proportion to the number of different files and the sum of the lengths of different sets.
struct ObservedFiles: Sendable {
  /// A file of the project with a content that was read.
  struct File: Hashable, Sendable {
    let path: String
    let digest: Digest
    let isExecutable: Bool
  }

  private var files: [File] = []
  private var numbers: [File: Int32] = [:]
  private var sets: [Digest: [Int32]] = [:]
  private var systemSets: [Digest: [Int32]] = [:]
  private var systemFiles: Set<Int32> = []

  /// Takes what was read of a set, named by its digest; what was looked at without reading is left out.
  mutating func add(_ set: ObservedSet, _ digest: Digest) {
    var members: [Int32] = []
    for entry in set.entries {
      guard entry.kind == .file || entry.kind == .executable, let content = entry.digest else { continue }
      let file = File(path: entry.path, digest: content, isExecutable: entry.kind == .executable)
      let number = numbers[file] ?? Int32(files.count)
      if number == files.count {
        numbers[file] = number
        files.append(file)
      }
      members.append(number)
    }
    switch set.scope {
    case .project: sets[digest] = members
    case .system:
      systemSets[digest] = members
      systemFiles.formUnion(members)
    }
  }

  /// What some executions were observed to read.
  func part(of executions: [Lineage.Execution]) -> ObservedFiles {
    var part = self
    var wanted: Set<Digest> = []
    for execution in executions {
      if let set = execution.record.observed.project { wanted.insert(set) }
      if let set = execution.record.observed.system { wanted.insert(set) }
    }
    part.sets = sets.filter { wanted.contains($0.key) }
    part.systemSets = systemSets.filter { wanted.contains($0.key) }
    part.systemFiles = part.systemSets.values.reduce(into: []) { $0.formUnion($1) }
    return part
  }

  /// The files of a set of the project; empty for one that was not taken.
  func files(of set: Digest) -> [File] { (sets[set] ?? []).map { files[Int($0)] } }

  /// How many files of the system were read, a content each.
  var systemCount: Int { systemFiles.count }

  /// How many of them lie in each folder, the fullest first. Folders are folded to their first three names:
  /// `/usr/lib/python3.11`.
  var systemFolders: [(folder: String, count: Int)] {
    var counts: [String: Int] = [:]
    for number in systemFiles {
      let names = files[Int(number)].path.split(separator: "/").dropLast().prefix(3)
      counts["/" + names.joined(separator: "/"), default: 0] += 1
    }
    return counts.map { ($0.key, $0.value) }.sorted { ($1.count, $0.folder) < ($0.count, $1.folder) }
  }
}
