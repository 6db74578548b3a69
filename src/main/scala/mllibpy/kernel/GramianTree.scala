package mllibpy.kernel

import scala.collection.mutable

/** Y^T Y summed in an order that nobody can disturb.
  *
  * Rows rest in buckets by the leading bits of their keys. The buckets are the leaves of one binary
  * tree; a leaf is the Gramian of its bucket's rows, a node the sum of its children, in float64. A
  * block owns a run of whole buckets and sums the largest subtrees inside its run; the driver sums
  * the rest. So the sum has the same brackets for any number of blocks: bit-equal results.
  */
object GramianTree {

  /** A subtree's sum: `level` 0 is the root, `index` counts from the left; upper triangle, row by
    * row.
    */
  final class Node(val level: Int, val index: Int, val sum: Array[Double]) extends Serializable

  /** Sums of the largest whole subtrees that cover the buckets
    * `first until first + start.length - 1`.
    *
    * @param buckets
    *   number of buckets in all, a power of two
    * @param start
    *   start(i) until start(i + 1) are the rows of bucket first + i
    */
  def nodes(
      rows: Array[Float],
      rank: Int,
      buckets: Int,
      first: Int,
      start: Array[Int],
      arithmetic: Arithmetic = Arithmetic.best
  ): Seq[Node] = {
    val stride = Stride.of(rank)
    val a = new Array[Float](stride * stride)
    val panel = RowSolver.panel(stride)
    val last = first + start.length - 1
    val out = mutable.ArrayBuffer.empty[Node]

    def leaf(bucket: Int): Array[Double] = {
      val from = start(bucket - first)
      val until = start(bucket - first + 1)
      if (from == until) null
      else {
        var at = from
        while (at < until) {
          val n = Math.min(panel, until - at)
          arithmetic.symmetricUpdate(a, stride, rows, at * stride, n, add = at > from)
          at += n
        }
        pack(a, stride, rank)
      }
    }
    def subtree(from: Int, width: Int): Array[Double] =
      if (width == 1) leaf(from)
      else plus(subtree(from, width / 2), subtree(from + width / 2, width / 2))

    def cover(level: Int, index: Int, width: Int): Unit = {
      val from = index * width
      if (from >= first && from + width <= last) {
        val sum = subtree(from, width)
        if (sum != null) out += new Node(level, index, sum)
      } else if (from < last && from + width > first) {
        cover(level + 1, index * 2, width / 2)
        cover(level + 1, index * 2 + 1, width / 2)
      }
    }
    cover(0, 0, buckets)
    out.toSeq
  }

  /** The whole sum, as a matrix with both triangles filled, rows `stride` apart. */
  def total(nodes: Seq[Node], rank: Int): Array[Float] = {
    // Copies, for `plus` adds in place.
    val known = nodes.map(n => (n.level, n.index) -> n.sum.clone).toMap
    val deepest = if (nodes.isEmpty) 0 else nodes.map(_.level).max
    def sum(level: Int, index: Int): Array[Double] =
      known.getOrElse(
        (level, index),
        if (level >= deepest) null
        else plus(sum(level + 1, index * 2), sum(level + 1, index * 2 + 1))
      )
    unpack(sum(0, 0), rank)
  }

  private def plus(x: Array[Double], y: Array[Double]): Array[Double] =
    if (x == null) y
    else if (y == null) x
    else {
      var i = 0
      while (i < x.length) { x(i) += y(i); i += 1 }
      x
    }

  private def pack(a: Array[Float], stride: Int, rank: Int): Array[Double] = {
    val out = new Array[Double](rank * (rank + 1) / 2)
    var at = 0
    var i = 0
    while (i < rank) {
      var j = i
      while (j < rank) { out(at) = a(i * stride + j); at += 1; j += 1 }
      i += 1
    }
    out
  }

  private def unpack(sum: Array[Double], rank: Int): Array[Float] = {
    val stride = Stride.of(rank)
    val out = new Array[Float](stride * stride)
    if (sum != null) {
      var at = 0
      var i = 0
      while (i < rank) {
        var j = i
        while (j < rank) {
          out(i * stride + j) = sum(at).toFloat
          out(j * stride + i) = sum(at).toFloat
          at += 1
          j += 1
        }
        i += 1
      }
    }
    out
  }
}
