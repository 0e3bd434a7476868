import Glibc
import RungCore
import RungLedger
import RungStore

/// Finds out what a source has touched. Reads every record behind published files and latest results, each once.
public struct ImpactFinder: Sendable {
  private let store: ObjectStore
  private let ledger: Ledger
  private let project: String
  private let root: String
  private let tracer: Tracer

  /// A finder of a project's cache; see `Tracer`.
  public init(store: ObjectStore, ledger: Ledger, project: String, root: String) {
    self.store = store
    self.ledger = ledger
    self.project = project
    self.root = root
    tracer = Tracer(store: store, ledger: ledger, project: project, root: root)
  }

  /// What the file or folder at a path (absolute, or from the process's folder; or from the project's) has touched: any
  /// content that this path of the project had, else, of a file that lies elsewhere or that no step read there, what has
  /// its content.
  ///
  /// Throws when there is nothing at the path and no step has read one, or when the cache cannot be read.
  public func impact(ofFileAt path: String) throws(TraceError) -> Impact {
    let isThere = access(path, F_OK) == 0
    let digest = isThere ? try PathDigest(at: path).digest : nil
    let place = tracer.placeInProject(path)
    do throws(LedgerError) {
      let published = try ledger.published(project: project)
      let latest = try ledger.latest(project: project).values.compactMap { entry in
        entry.record.map { (instance: entry.instance, record: $0) }
      }.sorted { $0.instance < $1.instance }
      var seen: Set<Digest> = []
      let roots = (published.map(\.record) + latest.map(\.record)).filter { seen.insert($0).inserted }
      let lineage = Lineage.of(records: roots, store: store, lookingForOutputs: false)
      for place in [place, isThere ? nil : formerPlace(path)].compactMap({ $0 }) {
        var spread = Spread(lineage, store, place: place, digest: nil)
        spread.run()
        if !spread.contents.isEmpty { return spread.impact(path, place, digest, published, latest) }
      }
      if let digest {
        var spread = Spread(lineage, store, place: nil, digest: digest)
        spread.run()
        return spread.impact(path, place, digest, published, latest)
      }
    } catch {
      throw TraceError(.cache, error.message, notes: ["`rung cache rebuild-index` makes the index anew"])
    }
    throw TraceError(
      .unreadable, "there is no file '\(path)', and no step has read one",
      notes: ["only what is behind published files and latest results is looked at"])
  }
}

extension ImpactFinder {
  // Where a file lay whose folder is gone: its path is one from the root of the file system, or from the project's.
  private func formerPlace(_ path: String) -> String? {
    RelativePath(path.hasPrefix(root + "/") ? path.dropFirst(root.count + 1) : path[...])?.text
  }
}

// The way from a source to all that was made from it, along a lineage whose makers come before their readers.
private struct Spread {
  private let lineage: Lineage
  private let store: ObjectStore
  private let place: String?
  private let digest: Digest?

  private(set) var contents: [Digest] = []
  private var numbers: [Digest: Int] = [:]
  private var paths: [Set<String>] = []
  private var readers: [Set<String>] = []
  private var steps: [String] = []
  private var stepNumbers: [String: Int] = [:]
  // By record; none for what the source has not touched.
  private var touched: [Digest: Touch] = [:]
  private var collections: [Digest: Touch] = [:]
  private var sets: [Digest: [ObservedFiles.File]] = [:]
  private var members: [Member: Digest?] = [:]

  private struct Member: Hashable {
    let tree: Digest
    let path: Substring
  }

  private struct Touch {
    var contents = BitSet()
    var steps = BitSet()
    var isDirect = false

    mutating func formUnion(_ other: Touch) {
      contents.formUnion(other.contents)
      steps.formUnion(other.steps)
    }
  }

  init(_ lineage: Lineage, _ store: ObjectStore, place: String?, digest: Digest?) {
    self.lineage = lineage
    self.store = store
    self.place = place
    self.digest = digest
  }

  mutating func run() {
    for execution in lineage.executions {
      var touch = Touch()
      let record = execution.record
      for input in record.inputs {
        switch input.source {
        case .project(let path): read(path, input.digest, isTree: input.kind == "tree", execution.step, &touch)
        case .files: break
        case .step(_, _, let maker): if let other = touched[maker] { touch.formUnion(other) }
        case .collection(let object, _): touch.formUnion(gathered(object))
        }
      }
      if let environment = record.environment {
        read(environment.lockPath, environment.lock, isTree: false, execution.step, &touch)
      }
      if let set = record.observed.project {
        for file in found(in: set) { note(file.digest, file.path, execution.step, &touch) }
      }
      if touch.contents.isEmpty { continue }
      touch.steps.insert(number(of: execution.step))
      touched[execution.digest] = touch
    }
  }

  private mutating func number(of step: String) -> Int {
    if let known = stepNumbers[step] { return known }
    stepNumbers[step] = steps.count
    steps.append(step)
    return steps.count - 1
  }

  private mutating func gathered(_ object: Digest) -> Touch {
    if let known = collections[object] { return known }
    var touch = Touch()
    for member in lineage.collections[object]?.members ?? [] {
      if let other = touched[member.record] { touch.formUnion(other) }
    }
    collections[object] = touch
    return touch
  }

  // What a step read at a path, if it is the source or holds it.
  private mutating func read(_ path: String, _ content: Digest, isTree: Bool, _ step: String, _ touch: inout Touch) {
    guard let place else {
      if content == digest { note(content, path, step, &touch) }
      return
    }
    if path == place {
      note(content, path, step, &touch)
    } else if isTree, path.isEmpty || path == "." || place.hasPrefix(path + "/") {
      let inside = path.isEmpty || path == "." ? place[...] : place.dropFirst(path.count + 1)
      if let file = member(of: content, inside) { note(file, place, step, &touch) }
    }
  }

  private mutating func note(_ content: Digest, _ path: String, _ step: String, _ touch: inout Touch) {
    let number = numbers[content] ?? contents.count
    if number == contents.count {
      numbers[content] = number
      contents.append(content)
      paths.append([])
      readers.append([])
    }
    paths[number].insert(path)
    readers[number].insert(step)
    touch.contents.insert(number)
    touch.isDirect = true
  }

  // A file or folder within a folder, as the folder was; looked up once for each content of the folder.
  private mutating func member(of tree: Digest, _ path: Substring) -> Digest? {
    let name = Member(tree: tree, path: path)
    if let known = members[name] { return known }
    var current: Digest? = tree
    for part in path.split(separator: "/").prefix(200) {
      guard let folder = current, let entry = (try? store.tree(folder))?[String(part)] else {
        current = nil
        break
      }
      switch entry.kind {
      case .file(let content, _, _), .directory(let content, _): current = content
      case .link: current = nil
      }
    }
    members[name] = .some(current)
    return current
  }

  private mutating func found(in set: Digest) -> [ObservedFiles.File] {
    if let known = sets[set] { return known }
    let files = lineage.observed.files(of: set).filter { place == nil ? $0.digest == digest : $0.path == place }
    sets[set] = files
    return files
  }

  func impact(
    _ source: String, _ path: String?, _ current: Digest?, _ published: [PublishedRow],
    _ latest: [(instance: String, record: Digest)]
  ) -> Impact {
    // The current content first, then by digest.
    let order = contents.indices.sorted { a, b in
      let (x, y) = (contents[a] != current, contents[b] != current)
      return x != y ? !x : contents[a] < contents[b]
    }
    let place = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
    func indices(_ set: BitSet) -> [Int] { set.numbers.compactMap { place[$0] }.sorted() }
    return Impact(
      source: source, path: self.place == nil ? nil : path ?? self.place, digest: current,
      contents: order.map {
        Impact.Content(
          digest: contents[$0], isCurrent: contents[$0] == current, paths: paths[$0].sorted(),
          readers: readers[$0].sorted())
      },
      figures: published.compactMap { row in
        touched[row.record].map { touch in
          Impact.Figure(
            path: row.path, digest: row.digest, instance: row.instance, output: row.output, record: row.record,
            contents: indices(touch.contents), through: touch.steps.numbers.map { steps[$0] })
        }
      },
      instances: latest.compactMap { entry in
        touched[entry.record].map { touch in
          Impact.Touched(
            instance: entry.instance, step: Lineage.step(ofInstance: entry.instance), record: entry.record,
            contents: indices(touch.contents), isDirect: touch.isDirect)
        }
      },
      incomplete: lineage.incomplete)
  }
}
