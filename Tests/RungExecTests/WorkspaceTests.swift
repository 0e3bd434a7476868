import Glibc
import RungCore
import RungExec
import Testing

/// Workspaces are removed whatever is in them; those of dead runs are swept.
@Suite struct WorkspaceTests {
  let bench: Bench
  init() throws { bench = try Bench() }

  @Test func aWorkspaceIsRemovedWhateverIsInIt() throws {
    let outside = bench.place("outside")
    mkdir(outside, 0o755)
    close(open("\(outside)/kept", O_CREAT | O_WRONLY, 0o600))
    let task = bench.task(
      .shell(
        text: """
          ln -s '\(outside)' link
          mkdir -p locked/inner; echo > locked/inner/file; chmod 000 locked/inner; chmod 500 locked
          mkfifo pipe
          touch "$(printf 'not\\377utf8')"
          i=0; while [ $i -lt 200 ]; do mkdir deep_folder_$i && cd deep_folder_$i; i=$((i+1)); done; echo > bottom
          """, .sh))
    let result = bench.run(task)
    #expect(result.succeeded, "\(result)")
    try discardWorkspace(task.workspace)
    #expect(!exists(task.workspace) && !exists(Workspace.log(of: task.workspace)))
    #expect(exists("\(outside)/kept"))
    try discardWorkspace(task.workspace)  // nothing there is fine
  }

  @Test func onlyFoldersOfDeadRunsAreSwept() throws {
    let root = bench.place("work")
    let living = try WorkspaceFolder(under: root)
    let first = living.nextWorkspace()
    #expect(first != living.nextWorkspace() && first.hasPrefix(living.path))
    // What a killed run leaves: a folder and a file that nobody holds any more.
    mkdir("\(root)/4711-dead", 0o755)
    mkdir("\(root)/4711-dead/1", 0o755)
    close(open("\(root)/4711-dead.lock", O_CREAT | O_WRONLY, 0o600))
    close(open("\(root)/notes.txt", O_CREAT | O_WRONLY, 0o600))

    #expect(sweepWorkspaces(under: root) == 1)
    #expect(!exists("\(root)/4711-dead") && !exists("\(root)/4711-dead.lock"))
    #expect(exists(living.path) && exists("\(root)/notes.txt"))
    #expect(sweepWorkspaces(under: root) == 0)
    #expect(sweepWorkspaces(under: "\(root)/nowhere") == 0)
  }

  @Test func aRunRemovesItsFolderWhenItEnds() throws {
    var folder: WorkspaceFolder? = try WorkspaceFolder(under: bench.place("work"))
    let path = try #require(folder?.path)
    mkdir("\(path)/1", 0o755)
    folder = nil
    #expect(!exists(path) && !exists("\(path).lock"))
  }
}
