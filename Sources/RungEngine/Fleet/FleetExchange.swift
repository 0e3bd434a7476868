import Glibc
import RungCore
import RungExec
import RungRemote
import RungStore

/// How objects go between a run and its workers where they cannot use one store together: where the cache lies on a file
/// system of several machines, on which SQLite is not safe. Then each worker has a store of its own on its node, and
/// objects go through a remote cache, a folder of the fleet's own unless another is named.
struct FleetExchange: Sendable {
  /// The remote.
  let remote: any RemoteStorage

  /// The exchange at an address; a relative path begins at the project. The fleet's own folder is made.
  init(address: String, fleet: FleetFolder, project: String, variables: [String: String]) throws {
    if address == fleet.exchange, mkdir(address, 0o700) != 0, errno != EEXIST {
      throw ExecError.system("make the folder", address)
    }
    remote = try Remotes.open(address: address, in: project, variables: variables)
  }

  /// Gives objects, those with which folders are made of more objects, too. Throws what kept the exchange from taking one.
  func give(_ objects: [Digest], trees: [Digest], from store: ObjectStore) throws(RemoteError) {
    var all = objects
    do throws(StoreError) {
      for tree in trees { try Self.add(tree, of: store, to: &all) }
    } catch {
      throw RemoteError(.local, error.message)
    }
    let outcome = try remote.push(unique(all), from: store) { _ in }
    if let (digest, error) = outcome.failed.first {
      throw RemoteError(error.kind, "object \(digest.short): \(error.message)")
    }
  }

  /// Takes objects that are not in the store. Throws when one of them is not to be had, or is not what its name says.
  func take(_ objects: [Digest], trees: [Digest], into store: ObjectStore) throws(RemoteError) {
    try fetch(objects + trees, into: store)
    // Folders within folders: level by level, what is known so far.
    var level = trees
    while !level.isEmpty {
      var files: [Digest] = []
      var next: [Digest] = []
      do throws(StoreError) {
        for tree in level {
          for entry in try store.tree(tree).entries {
            switch entry.kind {
            case .file(let digest, _, _): files.append(digest)
            case .directory(let digest, _): next.append(digest)
            case .link: break
            }
          }
        }
      } catch {
        throw RemoteError(.damaged, error.message)
      }
      try fetch(files + next, into: store)
      level = next
    }
  }

  private func fetch(_ objects: [Digest], into store: ObjectStore) throws(RemoteError) {
    let missing = unique(objects).filter { !store.contains($0) }
    if missing.isEmpty { return }
    let outcome = try remote.pull(missing, into: store) { _ in }
    if let (digest, error) = outcome.failed.first {
      throw RemoteError(error.kind, "object \(digest.short): \(error.message)")
    }
  }

  private static func add(_ tree: Digest, of store: ObjectStore, to all: inout [Digest]) throws(StoreError) {
    all.append(tree)
    for entry in try store.tree(tree).entries {
      switch entry.kind {
      case .file(let digest, _, _): all.append(digest)
      case .directory(let digest, _): try add(digest, of: store, to: &all)
      case .link: break
      }
    }
  }

  private func unique(_ objects: [Digest]) -> [Digest] { Array(Set(objects)) }
}

extension StepTask {
  /// The objects that it is given: those of files, and those of folders.
  var objects: (files: [Digest], trees: [Digest]) {
    var files: [Digest] = []
    var trees: [Digest] = []
    for file in self.files + shared {
      switch file.content {
      case .object(let digest, _): files.append(digest)
      case .tree(let digest): trees.append(digest)
      case .bytes: break
      }
    }
    return (files, trees)
  }
}

extension StepResult {
  /// The objects that it names: those of files, and those of folders.
  var objects: (files: [Digest], trees: [Digest]) {
    let made = [log, events, observed?.project, observed?.system].compactMap(\.self)
    return (
      made + outputs.filter { !$0.isDirectory }.map(\.digest), outputs.filter(\.isDirectory).map(\.digest)
    )
  }
}
