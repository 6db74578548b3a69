package mllibpy.kernel

import jdk.incubator.vector.{DoubleVector, VectorSpecies}

/** [[Tiles]] on the JDK's Vector API: 8 rows by 2 vectors of the result stay in registers, so that
  * each loaded vector is used eight times. The last rows go by four and then one by one, with more
  * vectors beside each other, for a sum in one register alone waits for the step before.
  */
object VectorTiles extends Tiles {
  private final val DSpecies: VectorSpecies[java.lang.Double] = {
    val preferred = DoubleVector.SPECIES_PREFERRED
    if (preferred.length > Tiles.Doubles) DoubleVector.SPECIES_512 else preferred
  }
  private final val D: Int = DSpecies.length

  private[kernel] def works: Boolean = D >= 2 && VectorArithmetic.works

  def multiply(
      a: Array[Double],
      at: Int,
      row: Int,
      step: Int,
      rows: Int,
      n: Int,
      b: Array[Double],
      bAt: Int,
      down: Int,
      columns: Int,
      c: Array[Double],
      cAt: Int,
      across: Int
  ): Unit = {
    val lanes = DoubleTile.Lanes
    var i = 0
    while (i + 8 <= rows) {
      var j = 0
      while (j + 2 * lanes <= columns) {
        DoubleTile.tile8x2(
          a,
          at + i * row,
          row,
          step,
          n,
          b,
          bAt + j,
          down,
          c,
          cAt + i * across + j,
          across
        )
        j += 2 * lanes
      }
      while (j < columns) {
        DoubleTile.tile8x1(
          a,
          at + i * row,
          row,
          step,
          n,
          b,
          bAt + j,
          down,
          c,
          cAt + i * across + j,
          across
        )
        j += lanes
      }
      i += 8
    }
    if (i + 4 <= rows) {
      var j = 0
      while (j + 2 * lanes <= columns) {
        DoubleTile.tile4x2(
          a,
          at + i * row,
          row,
          step,
          n,
          b,
          bAt + j,
          down,
          c,
          cAt + i * across + j,
          across
        )
        j += 2 * lanes
      }
      while (j < columns) {
        DoubleTile.tile4x1(
          a,
          at + i * row,
          row,
          step,
          n,
          b,
          bAt + j,
          down,
          c,
          cAt + i * across + j,
          across
        )
        j += lanes
      }
      i += 4
    }
    while (i < rows) {
      var j = 0
      while (j + 4 * lanes <= columns) {
        DoubleTile.tile1x4(a, at + i * row, step, n, b, bAt + j, down, c, cAt + i * across + j)
        j += 4 * lanes
      }
      while (j < columns) {
        DoubleTile.tile1x1(a, at + i * row, step, n, b, bAt + j, down, c, cAt + i * across + j)
        j += lanes
      }
      i += 1
    }
  }

  def multiply(
      a: Array[Float],
      at: Int,
      row: Int,
      step: Int,
      rows: Int,
      n: Int,
      b: Array[Float],
      bAt: Int,
      down: Int,
      columns: Int,
      c: Array[Float],
      cAt: Int,
      across: Int
  ): Unit = {
    val lanes = FloatTile.Lanes
    var i = 0
    while (i + 8 <= rows) {
      var j = 0
      while (j + 2 * lanes <= columns) {
        FloatTile.tile8x2(
          a,
          at + i * row,
          row,
          step,
          n,
          b,
          bAt + j,
          down,
          c,
          cAt + i * across + j,
          across
        )
        j += 2 * lanes
      }
      while (j < columns) {
        FloatTile.tile8x1(
          a,
          at + i * row,
          row,
          step,
          n,
          b,
          bAt + j,
          down,
          c,
          cAt + i * across + j,
          across
        )
        j += lanes
      }
      i += 8
    }
    if (i + 4 <= rows) {
      var j = 0
      while (j + 2 * lanes <= columns) {
        FloatTile.tile4x2(
          a,
          at + i * row,
          row,
          step,
          n,
          b,
          bAt + j,
          down,
          c,
          cAt + i * across + j,
          across
        )
        j += 2 * lanes
      }
      while (j < columns) {
        FloatTile.tile4x1(
          a,
          at + i * row,
          row,
          step,
          n,
          b,
          bAt + j,
          down,
          c,
          cAt + i * across + j,
          across
        )
        j += lanes
      }
      i += 4
    }
    while (i < rows) {
      var j = 0
      while (j + 4 * lanes <= columns) {
        FloatTile.tile1x4(a, at + i * row, step, n, b, bAt + j, down, c, cAt + i * across + j)
        j += 4 * lanes
      }
      while (j < columns) {
        FloatTile.tile1x1(a, at + i * row, step, n, b, bAt + j, down, c, cAt + i * across + j)
        j += lanes
      }
      i += 1
    }
  }

  def gather(
      columns: Array[Int],
      values: Array[Double],
      from: Int,
      end: Int,
      w: Array[Double],
      width: Int,
      y: Array[Double],
      yAt: Int
  ): Unit = {
    var j = 0
    while (j + 2 * D <= width) {
      var s = DoubleVector.fromArray(DSpecies, y, yAt + j)
      var t = DoubleVector.fromArray(DSpecies, y, yAt + j + D)
      var e = from
      while (e < end) {
        val by = DoubleVector.broadcast(DSpecies, values(e))
        val at = columns(e) * width + j
        s = by.fma(DoubleVector.fromArray(DSpecies, w, at), s)
        t = by.fma(DoubleVector.fromArray(DSpecies, w, at + D), t)
        e += 1
      }
      s.intoArray(y, yAt + j)
      t.intoArray(y, yAt + j + D)
      j += 2 * D
    }
    while (j < width) {
      var s = DoubleVector.fromArray(DSpecies, y, yAt + j)
      var e = from
      while (e < end) {
        val v = DoubleVector.fromArray(DSpecies, w, columns(e) * width + j)
        s = DoubleVector.broadcast(DSpecies, values(e)).fma(v, s)
        e += 1
      }
      s.intoArray(y, yAt + j)
      j += D
    }
  }

  def scatter(
      columns: Array[Int],
      values: Array[Double],
      from: Int,
      end: Int,
      y: Array[Double],
      yAt: Int,
      width: Int,
      sums: Array[Double]
  ): Unit = {
    var j = 0
    while (j + 2 * D <= width) {
      val s = DoubleVector.fromArray(DSpecies, y, yAt + j)
      val t = DoubleVector.fromArray(DSpecies, y, yAt + j + D)
      var e = from
      while (e < end) {
        val by = DoubleVector.broadcast(DSpecies, values(e))
        val at = columns(e) * width + j
        by.fma(s, DoubleVector.fromArray(DSpecies, sums, at)).intoArray(sums, at)
        by.fma(t, DoubleVector.fromArray(DSpecies, sums, at + D)).intoArray(sums, at + D)
        e += 1
      }
      j += 2 * D
    }
    while (j < width) {
      val s = DoubleVector.fromArray(DSpecies, y, yAt + j)
      var e = from
      while (e < end) {
        val at = columns(e) * width + j
        val by = DoubleVector.broadcast(DSpecies, values(e))
        by.fma(s, DoubleVector.fromArray(DSpecies, sums, at)).intoArray(sums, at)
        e += 1
      }
      j += D
    }
  }
}
