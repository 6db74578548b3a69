package mllibpy.algorithm.als

import mllibpy.engine.{Gather, InvalidInput, Shared, SparseBlock}
import mllibpy.kernel.PackedFloats
import org.apache.spark.SparkContext
import org.apache.spark.rdd.RDD

/** Which items each user rated, and how: user row u rated `items(start(u)) until start(u + 1)`,
  * ascending.
  *
  * @param values
  *   the ratings beside `items`; null where they are not kept (they have weights, or the model is
  *   of an earlier version) or not needed
  */
final class Seen(
    val start: Array[Int],
    val items: Array[Int],
    val values: PackedFloats = null
) extends Serializable {

  /** The same without the ratings' values: what there is to send where they are not asked for. */
  def bare: Seen = if (values == null) this else new Seen(start, items)

  /** The ratings of a user. */
  def valuesOf(user: Int): Array[Float] = {
    val out = new Array[Float](start(user + 1) - start(user))
    known.read(start(user), out.length, out)
    out
  }

  /** The values; throws where the model has none. */
  def known: PackedFloats = {
    InvalidInput.unless(
      values != null,
      "this model does not keep its ratings (they have weights, or it was saved by an earlier version); fit again with all of them"
    )
    values
  }

  /** Which users rated each of `n` items. */
  def transposed(n: Int): Seen = {
    val to = new Array[Int](n + 1)
    items.foreach(i => to(i + 1) += 1)
    var i = 0
    while (i < n) { to(i + 1) += to(i); i += 1 }
    val next = to.clone
    val users = new Array[Int](items.length)
    val from = if (values == null) null else new Array[Int](items.length)
    var u = 0
    while (u < start.length - 1) {
      var e = start(u)
      while (e < start(u + 1)) {
        users(next(items(e))) = u
        if (from != null) from(next(items(e))) = e
        next(items(e)) += 1
        e += 1
      }
      u += 1
    }
    new Seen(to, users, if (from == null) null else values.pick(from))
  }
}

object Seen {
  def nothing(users: Int): Seen = new Seen(new Array[Int](users + 1), Array.empty)

  /** A block's rows, with the model's columns in ascending order. */
  private[als] final class Part(
      val number: Int,
      val start: Array[Int],
      val items: Array[Int],
      val values: PackedFloats
  ) extends Serializable

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
      val parts =
        Gather(blocks.map(b => part(b, LaidOut.places(b, keys.value).map(rows.value(_)))))
      assemble(parts.sortBy(_.number), userRow)
    } finally {
      keys.destroy()
      rows.destroy()
    }
  }

  /** A block's part.
    *
    * @param row
    *   the model's row of each of the block's columns
    */
  private[als] def part(b: SparseBlock, row: Array[Int]): Part = {
    val columns = b.csr.columns
    val order = sorted(b.csr.start, columns, row)
    new Part(
      b.number,
      b.csr.start,
      order.map(e => row(columns(e))),
      b.csr.packedValues.pick(order)
    )
  }

  /** The entries, each row's in ascending order of the model's rows. */
  private def sorted(start: Array[Int], columns: Array[Int], row: Array[Int]): Array[Int] = {
    val order = new Array[Int](columns.length)
    var both = new Array[Long](256)
    var r = 0
    while (r < start.length - 1) {
      val (from, n) = (start(r), start(r + 1) - start(r))
      if (n > both.length) both = new Array[Long](Math.max(n, (n.toLong * 3 / 2).toInt))
      var i = 0
      while (i < n) { both(i) = row(columns(from + i)).toLong << 32 | (from + i); i += 1 }
      java.util.Arrays.sort(both, 0, n)
      i = 0
      while (i < n) { order(from + i) = both(i).toInt; i += 1 }
      r += 1
    }
    order
  }

  /** @param parts
    *   in the order of the blocks
    * @param userRow
    *   the model's row of each of their rows
    */
  private[als] def assemble(parts: Array[Part], userRow: Array[Int]): Seen = {
    val start = new Array[Int](userRow.length + 1)
    var user = 0
    for (p <- parts; r <- 0 until p.start.length - 1) {
      start(userRow(user) + 1) = p.start(r + 1) - p.start(r)
      user += 1
    }
    var i = 0
    while (i < userRow.length) { start(i + 1) = Math.addExact(start(i), start(i + 1)); i += 1 }
    val items = new Array[Int](start(userRow.length))
    val values = new PackedFloats.Joiner(parts.map(_.values).toSeq, items.length)
    user = 0
    for (number <- parts.indices; p = parts(number); r <- 0 until p.start.length - 1) {
      val to = start(userRow(user))
      val n = p.start(r + 1) - p.start(r)
      System.arraycopy(p.items, p.start(r), items, to, n)
      values.copy(number, p.start(r), to, n)
      user += 1
    }
    new Seen(start, items, values.result)
  }
}
