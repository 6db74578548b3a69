package mllibpy.engine

import org.apache.hadoop.fs.Path
import org.apache.spark.rdd.RDD
import org.scalatest.funsuite.AnyFunSuite

class LineageSuite extends AnyFunSuite with LocalSession {

  /** How many RDDs stand one behind the other. */
  private def depth(rdd: RDD[_]): Int =
    1 + rdd.dependencies.map(d => depth(d.rdd)).maxOption.getOrElse(0)

  /** 30 steps, each one RDD further. */
  private def long: RDD[String] =
    (1 to 30).foldLeft(sc.parallelize(Seq("a", "b", "c"), 3))((rdd, i) => rdd.map(_ + i))

  private def withCheckpoints[T](body: => T): T = withFolder { folder =>
    sc.setCheckpointDir(folder.toString)
    try body
    finally sc.setCheckpointDir(null)
  }

  private def files(rdd: RDD[_]): Boolean = {
    val path = new Path(rdd.getCheckpointFile.get)
    path.getFileSystem(sc.hadoopConfiguration).exists(path)
  }

  private def holds(cut: Lineage.Cut[String], right: Seq[String]): Unit = {
    assert(depth(cut.rdd) <= 3)
    for (_ <- 0 to 1) assert(cut.rdd.glom().map(_.toSeq).collect().toSeq == right.map(Seq(_)))
  }

  test("through the driver: equal blocks, a short lineage, nothing left when released") {
    assert(sc.getCheckpointDir.isEmpty)
    val before = Shared.held
    val right = long.collect().toSeq
    assert(depth(long) > 30)
    val cut = Lineage.cut(long)
    holds(cut, right)
    assert(Shared.held == before + 3)
    cut.release()
    assert(Shared.held == before)
    assert(!sc.getPersistentRDDs.contains(cut.rdd.id))
  }

  test("through a checkpoint: equal blocks, a short lineage, files deleted when released") {
    withCheckpoints {
      val before = Shared.held
      val right = long.collect().toSeq
      val cut = Lineage.cut(long)
      assert(cut.rdd.isCheckpointed && files(cut.rdd))
      holds(cut, right)
      assert(Shared.held == before)
      cut.release()
      assert(!files(cut.rdd))
      assert(!sc.getPersistentRDDs.contains(cut.rdd.id))
    }
  }

  test("a cut of a cut holds when the first one is released") {
    def twice(): Unit = {
      val first = Lineage.cut(long)
      val second = Lineage.cut(first.rdd.map(_ + "!"))
      first.release()
      holds(second, long.collect().toSeq.map(_ + "!"))
      second.release()
    }
    twice()
    withCheckpoints(twice())
  }
}
