package mllibpy.algorithm.als

import mllibpy.engine.{Shared, SparseBlock}
import org.apache.spark.SparkContext
import org.apache.spark.rdd.RDD

/** Which items each user rated: user row u saw `items(start(u)) until items(start(u + 1))`,
  * ascending.
  */
final class Seen(val start: Array[Int], val items: Array[Int]) extends Serializable {

  /** Which users rated each of `n` items. */
  def transposed(n: Int): Seen = {
    val to = new Array[Int](n + 1)
    items.foreach(i => to(i + 1) += 1)
    var i = 0
    while (i < n) { to(i + 1) += to(i); i += 1 }
    val next = to.clone
    val users = new Array[Int](items.length)
    var u = 0
    while (u < start.length - 1) {
      var e = start(u)
      while (e < start(u + 1)) {
        users(next(items(e))) = u
        next(items(e)) += 1
        e += 1
      }
      u += 1
    }
    new Seen(to, users)
  }
}

object Seen {
  def nothing(users: Int): Seen = new Seen(new Array[Int](users + 1), Array.empty)

  private final class Part(val number: Int, val start: Array[Int], val items: Array[Int])
      extends Serializable

  /** From the users' blocks; one job.
    *
    * @param userRow
    *   the model's row of each user key, in the order of the keys
    * @param itemKeys
    *   all item keys in their order
    * @param itemRow
    *   the model's row of each of them
    */
  def of(
      sc: SparkContext,
      blocks: RDD[SparseBlock],
      userRow: Array[Int],
      itemKeys: Array[Long],
      itemRow: Array[Int]
  ): Seen = {
    val keys = Shared(sc, itemKeys)
    val rows = Shared(sc, itemRow)
    try {
      val parts = blocks
        .map { b =>
          val model = LaidOut.places(b, keys.value).map(rows.value(_))
          new Part(b.number, b.csr.start, b.csr.columns.map(model(_)))
        }
        .collect()
      assemble(parts.sortBy(_.number), userRow)
    } finally {
      keys.destroy()
      rows.destroy()
    }
  }

  private def assemble(parts: Array[Part], userRow: Array[Int]): Seen = {
    val start = new Array[Int](userRow.length + 1)
    var user = 0
    for (p <- parts; r <- 0 until p.start.length - 1) {
      start(userRow(user) + 1) = p.start(r + 1) - p.start(r)
      user += 1
    }
    var i = 0
    while (i < userRow.length) { start(i + 1) = Math.addExact(start(i), start(i + 1)); i += 1 }
    val items = new Array[Int](start(userRow.length))
    user = 0
    for (p <- parts; r <- 0 until p.start.length - 1) {
      val to = start(userRow(user))
      val n = p.start(r + 1) - p.start(r)
      System.arraycopy(p.items, p.start(r), items, to, n)
      java.util.Arrays.sort(items, to, to + n)
      user += 1
    }
    new Seen(start, items)
  }
}
