import RungCore
import RungStore

/// The sources and lock files of two lineages, compared.
struct SourceComparison {
  private(set) var files: [Comparison.FileChange] = []
  private(set) var packages: [Comparison.PackageChange] = []

  private let store: ObjectStore

  // A text is shown when it has no more bytes than this; LineDiff takes no more either.
  private static let mostText: Int64 = 2 << 20

  private struct Use {
    var old: Set<Digest> = []
    var new: Set<Digest> = []
    var steps: Set<String> = []
    var kind = Lineage.Source.Kind.file
    var isDeclared = false
  }

  init(_ old: Lineage, _ new: Lineage, _ store: ObjectStore) {
    self.store = store
    var uses: [String: Use] = [:]
    func add(_ sources: [Lineage.Source], _ side: WritableKeyPath<Use, Set<Digest>>) {
      for source in sources {
        uses[source.path, default: Use()][keyPath: side].insert(source.digest)
        uses[source.path, default: Use()].steps.formUnion(source.usedBy)
        uses[source.path, default: Use()].kind = source.kind
        if !source.observed { uses[source.path, default: Use()].isDeclared = true }
      }
    }
    add(old.sources, \.old)
    add(new.sources, \.new)
    for (path, use) in uses.sorted(by: { $0.key < $1.key }) where use.old != use.new {
      compare(path, use)
    }
  }

  private mutating func compare(_ path: String, _ use: Use) {
    let isTree = use.kind == .tree
    let before = use.old.count == 1 ? use.old.first : nil
    let after = use.new.count == 1 ? use.new.first : nil
    let (a, b) = isTree ? (nil, nil) : (before.flatMap(text), after.flatMap(text))
    var diff: [String]?
    var members: FolderChange?
    if let a, let b { diff = LineDiff.unified(a, b) }
    if isTree, let before, let after { members = FolderChange(before, after, store) }
    if use.kind == .lock, let a, let b, let was = PackageList(a), let now = PackageList(b) {
      packages += was.changes(to: now, lock: path)
    }
    files.append(
      Comparison.FileChange(
        path: path, kind: use.kind, old: use.old.sorted(), new: use.new.sorted(), oldSize: a.map { Int64($0.count) },
        newSize: b.map { Int64($0.count) }, usedBy: use.steps.sorted(), observed: !use.isDeclared, diff: diff,
        members: members))
  }

  private func text(_ digest: Digest) -> [UInt8]? { try? store.read(digest, limit: Self.mostText) }
}
