import RungCore
