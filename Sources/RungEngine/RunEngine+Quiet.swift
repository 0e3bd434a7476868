import Glibc
import RungCore
import RungExec
import RungLedger
import RungModel
import RungPlan
import RungStore

// What a run that left nothing to do has seen, so that the next need not plan to find that out.
extension RunEngine {
  /// Keeps what this run, which has ended, has found out for `request`: from then on `request.recall()` answers as long as
  /// nothing changes. Keeps nothing when there is something left to do, or somebody else changed the cache meanwhile.
  public func remember(_ request: QuietRequest) {
    guard summary.failed == 0, summary.skipped == 0, summary.unpublished == 0, summary.fault == nil,
      !summary.interrupted, !options.force, session.project.warnings.isEmpty
    else { return request.forget() }
    do {
      guard let state = try quietState(request) else { return request.forget() }
      request.keep(state)
    } catch {
      // Only the time that it would save is lost.
      request.forget()
    }
  }

  private func quietState(_ request: QuietRequest) throws -> QuietState? {
    // What could not be found out about this host is tried again by the next run.
    if session.launcher != nil, session.abilities.problem != nil { return nil }
    let instances = (0..<session.graph.instanceCount).filter { needed[$0] }
    guard let objects = try session.store.together({ try heldObjects(instances) }),
      let files = try session.store.holders(of: objects.outputs, records: objects.records)
    else { return nil }
    // Copies first: they are looked at anew, since this run may have written them.
    guard try copiesAreInPlace() else { return nil }
    guard let looks = session.resolver.value.files.looks, !looks.isContradictory,
      let circumstances = try circumstances(request)
    else { return nil }
    var places = QuietPlaces(
      root: session.project.root, began: request.began, known: session.resolver.value.files.cached)
    places.add(looks)
    places.add(session.project)
    for file in files { places.add("\(session.cache)/\(file)", follows: false, .anyFile) }
    places.addFolders()
    guard !places.isStale else { return nil }
    // Nobody else has written anything that could change the answer, and nothing was taken away.
    guard let before = session.generation, let now = try session.ledger.generation(), before.id == now.id,
      before.count + session.ledger.ownAdvances == now.count, let removals = session.removals,
      session.store.removals() == removals
    else { return nil }
    return QuietState(
      circumstances: circumstances, instances: instances.count { !session.isSettled($0) },
      notice: session.watchNotice(needed),
      made: request.began, places: places.all)
  }

  // The outputs whose bytes must be there, and all records; nil when a result is not there, or is not the one that would
  // be found now.
  private func heldObjects(
    _ instances: [BuildGraph.NodeID]
  ) throws -> (outputs: Set<Digest>, records: Set<Digest>)? {
    var outputs: Set<Digest> = []
    var records: Set<Digest> = []
    for instance in instances {
      guard let known = session.resolver.value.results[instance] else { return nil }
      records.insert(known.record)
      if fates[instance] == .ran {
        // What it was seen to use is looked at now, as the next run would.
        guard let found = try session.lookUp(known.key, of: instance), found.record == known.record,
          found.outputs == known.outputs
        else { return nil }
      }
      if session.isGone(instance, known, needed) { return nil }
      let step = session.graph.step(of: instance)
      let isLeaf = !session.graph.dependents(of: instance).contains { needed[Int($0)] }
      if isLeaf || step.step.outputs.contains(where: { $0.publish != nil }) {
        outputs.formUnion(session.wanted(known.outputs, of: instance).map(\.digest))
      }
    }
    outputs.formUnion(session.checker.value.setsRead)
    return (outputs, records)
  }

  private func copiesAreInPlace() throws -> Bool {
    for (instance, places) in checksPublished {
      for (name, path) in places {
        guard let output = session.resolver.value.results[instance]?.outputs.first(where: { $0.name == name }) else {
          continue
        }
        guard session.copy(of: output, at: path, lookingAgain: true) != nil else { return false }
      }
    }
    return true
  }

  private func circumstances(_ request: QuietRequest) throws -> String? {
    guard let removals = session.removals, let before = session.generation else { return nil }
    let generation = LedgerGeneration(id: before.id, count: before.count + session.ledger.ownAdvances)
    var names: Set<String> = ["PATH"]
    var environments: Set<EnvironmentSpec> = []
    for step in session.graph.steps where needed[step.first..<(step.first + step.count)].contains(true) {
      for variable in step.step.variables where variable.value == nil { names.insert(variable.name) }
      if let environment = step.step.environment { environments.insert(environment) }
    }
    let variables = names.sorted().map { name in
      JSON.object([
        .init("name", .string(name)),
        .init("value", .optional(session.callerVariables[name].map { Digest(ofText: $0).hex })),
      ])
    }
    let programs = session.resolver.value.programLookups.map { lookup in
      JSON.object([
        .init("name", .string(lookup.name)), .init("path", .string(lookup.path)), .init("file", .optional(lookup.file)),
      ])
    }
    var known: [JSON] = []
    for spec in environments {
      guard let resolved = try session.environments.resolve(spec, files: &session.resolver.value.files) else {
        continue
      }
      known.append(
        .object([
          .init("lock", .string(spec.pythonLock.text)), .init("interpreter", .optional(spec.interpreter)),
          .init("identity", .string(resolved.python.identity.hex)),
        ]))
    }
    return JSON.object([
      .init("fixed", .string(request.fixed)), .init("ledger", .string(generation.text)),
      .init("removals", .string(removals)), .init("variables", .array(variables)),
      .init("programs", .array(programs)), .init("environments", .array(known)),
    ]).compact
  }
}

/// Collects the places of a `QuietState`, looking at each once more: what has changed since it was seen is not trusted, and
/// the next check will find it out.
struct QuietPlaces {
  private let root: String
  private let began: Int64
  private let known: [String: StatEntry]
  private var grains = ClockGrains()
  private(set) var all: [QuietState.Place] = []
  /// Something is not as it was seen, and it cannot be told by which look.
  private(set) var isStale = false

  init(root: String, began: Int64, known: [String: StatEntry]) {
    self.root = root
    self.began = began
    self.known = known
  }

  mutating func add(_ looks: Looks) {
    all.reserveCapacity(looks.followed.count + looks.unfollowed.count)
    for (path, seen) in looks.followed { add(path, follows: true, seen) }
    for (path, seen) in looks.unfollowed { add(path, follows: false, seen) }
    for (path, seen) in looks.copies { add(path, follows: true, seen) }
  }

  // What the project was read from.
  mutating func add(_ project: Project) {
    for file in project.declarations {
      add(file.path.text, follows: true, .file(Digest(of: file.bytes), executable: isExecutable(file.path)))
    }
    for path in project.sightings.missing { add(path.text, follows: true, .absent) }
    for (path, names) in project.sightings.listings {
      guard let now = FolderNames(in: path.absolute(in: root)) else {
        if !names.isEmpty { isStale = true }
        add(path.text, follows: true, .absent)
        continue
      }
      if Set(now.names) != Set(names.map { Array($0.utf8) }) { isStale = true }
      add(path.text, follows: true, .listing(now.digest))
    }
    let read = Set(all.map(\.path))
    for (path, kind) in project.sightings.kinds where !read.contains(path.text) {
      let seen: Looks.Seen? =
        switch kind {
        case nil: .absent
        case .file: .anyFile
        case .directory: .folder
        case .other: .other
        }
      if let seen { add(path.text, follows: true, seen) }
    }
  }

  // Whether a pipeline file is executable matters to nobody.
  private func isExecutable(_ path: RelativePath) -> Bool {
    var status = stat()
    return stat(path.absolute(in: root), &status) == 0 && status.st_mode & S_IXUSR != 0
  }

  /// Adds a place, from the project's root or absolute, at which something was seen.
  mutating func add(_ path: String, follows: Bool, _ seen: Looks.Seen) {
    let place = absolute(path)
    var status = stat()
    var follows = follows
    var isThere = lstat(place, &status) == 0
    if follows, isThere, status.st_mode & S_IFMT == S_IFLNK {
      // Where it leads counts too: a link may come to lead out of the project.
      addLink(path, place)
      isThere = stat(place, &status) == 0
    } else if isThere {
      // What is no link must not become one.
      follows = false
    }
    var identity = QuietState.Identity()
    var isTrusted = false
    if isThere, case .file(let digest, _) = seen {
      identity = QuietState.Identity(status)
      // Only what looks just as it did when it was hashed. A file that has come to this place meanwhile, with a folder that
      // was renamed, may be as old as one likes.
      if let entry = known[path], entry.digest == digest, QuietState.Identity(entry) == identity {
        let grain = grains.grain(of: place, device: identity.device)
        isTrusted =
          max(identity.modified, identity.changed) < began - grain
          || SourceFiles.vouches(entry, for: status, grain: grain)
      }
    }
    all.append(QuietState.Place(path: path, follows: follows, seen: seen, identity: identity, isTrusted: isTrusted))
  }

  /// Adds the folders in which the places of the project lie: none must become a link.
  mutating func addFolders() {
    var folders: Set<String> = []
    for place in all where !place.path.hasPrefix("/") {
      var path = place.path[...]
      while let slash = path.lastIndex(of: "/") {
        path = path[..<slash]
        guard folders.insert(String(path)).inserted else { break }
      }
    }
    for path in folders.sorted() {
      let place = absolute(path)
      var status = stat()
      guard lstat(place, &status) == 0 else { continue }
      switch status.st_mode & S_IFMT {
      case S_IFDIR:
        all.append(QuietState.Place(path: path, follows: false, seen: .folder, identity: .init(), isTrusted: false))
      case S_IFLNK: addLink(path, place)
      default: break
      }
    }
  }

  private mutating func addLink(_ path: String, _ place: String) {
    var target = [UInt8](repeating: 0, count: 4096)
    let length = target.withUnsafeMutableBytes { buffer in
      buffer.baseAddress.map { readlink(place, $0.assumingMemoryBound(to: CChar.self), buffer.count) } ?? -1
    }
    guard length >= 0 else {
      isStale = true
      return
    }
    let seen = Looks.Seen.link(Digest(of: Array(target[..<length])))
    all.append(QuietState.Place(path: path, follows: false, seen: seen, identity: .init(), isTrusted: false))
  }

  private func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : path.isEmpty ? root : "\(root)/\(path)"
  }
}
