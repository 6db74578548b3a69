package mllibpy.kernel

import jdk.incubator.vector.{DoubleVector, FloatVector, VectorSpecies}

/** [[Tiles]] on the JDK's Vector API: 8 rows by 2 vectors of the result stay in registers, so that
  * each loaded vector is used eight times.
  */
object VectorTiles extends Tiles {
  private final val FSpecies: VectorSpecies[java.lang.Float] = {
    val preferred = FloatVector.SPECIES_PREFERRED
    if (preferred.length > Tiles.Floats) FloatVector.SPECIES_512 else preferred
  }
  private final val F: Int = FSpecies.length
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
    var i = 0
    while (i + 8 <= rows) {
      var j = 0
      while (j + 2 * D <= columns) {
        tile8x2(a, at + i * row, row, step, n, b, bAt + j, down, c, cAt + i * across + j, across)
        j += 2 * D
      }
      while (j < columns) {
        tile8x1(a, at + i * row, row, step, n, b, bAt + j, down, c, cAt + i * across + j, across)
        j += D
      }
      i += 8
    }
    while (i < rows) {
      var j = 0
      while (j < columns) {
        tile1x1(a, at + i * row, step, n, b, bAt + j, down, c, cAt + i * across + j)
        j += D
      }
      i += 1
    }
  }

  private def tile8x2(
      a: Array[Double],
      at: Int,
      row: Int,
      step: Int,
      n: Int,
      b: Array[Double],
      bAt: Int,
      down: Int,
      c: Array[Double],
      o: Int,
      across: Int
  ): Unit = {
    var x0 = DoubleVector.fromArray(DSpecies, c, o + 0 * across)
    var y0 = DoubleVector.fromArray(DSpecies, c, o + 0 * across + D)
    var x1 = DoubleVector.fromArray(DSpecies, c, o + 1 * across)
    var y1 = DoubleVector.fromArray(DSpecies, c, o + 1 * across + D)
    var x2 = DoubleVector.fromArray(DSpecies, c, o + 2 * across)
    var y2 = DoubleVector.fromArray(DSpecies, c, o + 2 * across + D)
    var x3 = DoubleVector.fromArray(DSpecies, c, o + 3 * across)
    var y3 = DoubleVector.fromArray(DSpecies, c, o + 3 * across + D)
    var x4 = DoubleVector.fromArray(DSpecies, c, o + 4 * across)
    var y4 = DoubleVector.fromArray(DSpecies, c, o + 4 * across + D)
    var x5 = DoubleVector.fromArray(DSpecies, c, o + 5 * across)
    var y5 = DoubleVector.fromArray(DSpecies, c, o + 5 * across + D)
    var x6 = DoubleVector.fromArray(DSpecies, c, o + 6 * across)
    var y6 = DoubleVector.fromArray(DSpecies, c, o + 6 * across + D)
    var x7 = DoubleVector.fromArray(DSpecies, c, o + 7 * across)
    var y7 = DoubleVector.fromArray(DSpecies, c, o + 7 * across + D)
    var p = at
    var q = bAt
    var e = 0
    while (e < n) {
      val u = DoubleVector.fromArray(DSpecies, b, q)
      val v = DoubleVector.fromArray(DSpecies, b, q + D)
      val s0 = DoubleVector.broadcast(DSpecies, a(p + 0 * row)); x0 = s0.fma(u, x0);
      y0 = s0.fma(v, y0)
      val s1 = DoubleVector.broadcast(DSpecies, a(p + 1 * row)); x1 = s1.fma(u, x1);
      y1 = s1.fma(v, y1)
      val s2 = DoubleVector.broadcast(DSpecies, a(p + 2 * row)); x2 = s2.fma(u, x2);
      y2 = s2.fma(v, y2)
      val s3 = DoubleVector.broadcast(DSpecies, a(p + 3 * row)); x3 = s3.fma(u, x3);
      y3 = s3.fma(v, y3)
      val s4 = DoubleVector.broadcast(DSpecies, a(p + 4 * row)); x4 = s4.fma(u, x4);
      y4 = s4.fma(v, y4)
      val s5 = DoubleVector.broadcast(DSpecies, a(p + 5 * row)); x5 = s5.fma(u, x5);
      y5 = s5.fma(v, y5)
      val s6 = DoubleVector.broadcast(DSpecies, a(p + 6 * row)); x6 = s6.fma(u, x6);
      y6 = s6.fma(v, y6)
      val s7 = DoubleVector.broadcast(DSpecies, a(p + 7 * row)); x7 = s7.fma(u, x7);
      y7 = s7.fma(v, y7)
      p += step
      q += down
      e += 1
    }
    x0.intoArray(c, o + 0 * across); y0.intoArray(c, o + 0 * across + D)
    x1.intoArray(c, o + 1 * across); y1.intoArray(c, o + 1 * across + D)
    x2.intoArray(c, o + 2 * across); y2.intoArray(c, o + 2 * across + D)
    x3.intoArray(c, o + 3 * across); y3.intoArray(c, o + 3 * across + D)
    x4.intoArray(c, o + 4 * across); y4.intoArray(c, o + 4 * across + D)
    x5.intoArray(c, o + 5 * across); y5.intoArray(c, o + 5 * across + D)
    x6.intoArray(c, o + 6 * across); y6.intoArray(c, o + 6 * across + D)
    x7.intoArray(c, o + 7 * across); y7.intoArray(c, o + 7 * across + D)
  }

  private def tile8x1(
      a: Array[Double],
      at: Int,
      row: Int,
      step: Int,
      n: Int,
      b: Array[Double],
      bAt: Int,
      down: Int,
      c: Array[Double],
      o: Int,
      across: Int
  ): Unit = {
    var x0 = DoubleVector.fromArray(DSpecies, c, o + 0 * across)
    var x1 = DoubleVector.fromArray(DSpecies, c, o + 1 * across)
    var x2 = DoubleVector.fromArray(DSpecies, c, o + 2 * across)
    var x3 = DoubleVector.fromArray(DSpecies, c, o + 3 * across)
    var x4 = DoubleVector.fromArray(DSpecies, c, o + 4 * across)
    var x5 = DoubleVector.fromArray(DSpecies, c, o + 5 * across)
    var x6 = DoubleVector.fromArray(DSpecies, c, o + 6 * across)
    var x7 = DoubleVector.fromArray(DSpecies, c, o + 7 * across)
    var p = at
    var q = bAt
    var e = 0
    while (e < n) {
      val u = DoubleVector.fromArray(DSpecies, b, q)
      val s0 = DoubleVector.broadcast(DSpecies, a(p + 0 * row)); x0 = s0.fma(u, x0)
      val s1 = DoubleVector.broadcast(DSpecies, a(p + 1 * row)); x1 = s1.fma(u, x1)
      val s2 = DoubleVector.broadcast(DSpecies, a(p + 2 * row)); x2 = s2.fma(u, x2)
      val s3 = DoubleVector.broadcast(DSpecies, a(p + 3 * row)); x3 = s3.fma(u, x3)
      val s4 = DoubleVector.broadcast(DSpecies, a(p + 4 * row)); x4 = s4.fma(u, x4)
      val s5 = DoubleVector.broadcast(DSpecies, a(p + 5 * row)); x5 = s5.fma(u, x5)
      val s6 = DoubleVector.broadcast(DSpecies, a(p + 6 * row)); x6 = s6.fma(u, x6)
      val s7 = DoubleVector.broadcast(DSpecies, a(p + 7 * row)); x7 = s7.fma(u, x7)
      p += step
      q += down
      e += 1
    }
    x0.intoArray(c, o + 0 * across)
    x1.intoArray(c, o + 1 * across)
    x2.intoArray(c, o + 2 * across)
    x3.intoArray(c, o + 3 * across)
    x4.intoArray(c, o + 4 * across)
    x5.intoArray(c, o + 5 * across)
    x6.intoArray(c, o + 6 * across)
    x7.intoArray(c, o + 7 * across)
  }

  private def tile1x1(
      a: Array[Double],
      at: Int,
      step: Int,
      n: Int,
      b: Array[Double],
      bAt: Int,
      down: Int,
      c: Array[Double],
      o: Int
  ): Unit = {
    var x = DoubleVector.fromArray(DSpecies, c, o)
    var p = at
    var q = bAt
    var e = 0
    while (e < n) {
      x = DoubleVector.broadcast(DSpecies, a(p)).fma(DoubleVector.fromArray(DSpecies, b, q), x)
      p += step
      q += down
      e += 1
    }
    x.intoArray(c, o)
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
    var i = 0
    while (i + 8 <= rows) {
      var j = 0
      while (j + 2 * F <= columns) {
        tile8x2(a, at + i * row, row, step, n, b, bAt + j, down, c, cAt + i * across + j, across)
        j += 2 * F
      }
      while (j < columns) {
        tile8x1(a, at + i * row, row, step, n, b, bAt + j, down, c, cAt + i * across + j, across)
        j += F
      }
      i += 8
    }
    while (i < rows) {
      var j = 0
      while (j < columns) {
        tile1x1(a, at + i * row, step, n, b, bAt + j, down, c, cAt + i * across + j)
        j += F
      }
      i += 1
    }
  }

  private def tile8x2(
      a: Array[Float],
      at: Int,
      row: Int,
      step: Int,
      n: Int,
      b: Array[Float],
      bAt: Int,
      down: Int,
      c: Array[Float],
      o: Int,
      across: Int
  ): Unit = {
    var x0 = FloatVector.fromArray(FSpecies, c, o + 0 * across)
    var y0 = FloatVector.fromArray(FSpecies, c, o + 0 * across + F)
    var x1 = FloatVector.fromArray(FSpecies, c, o + 1 * across)
    var y1 = FloatVector.fromArray(FSpecies, c, o + 1 * across + F)
    var x2 = FloatVector.fromArray(FSpecies, c, o + 2 * across)
    var y2 = FloatVector.fromArray(FSpecies, c, o + 2 * across + F)
    var x3 = FloatVector.fromArray(FSpecies, c, o + 3 * across)
    var y3 = FloatVector.fromArray(FSpecies, c, o + 3 * across + F)
    var x4 = FloatVector.fromArray(FSpecies, c, o + 4 * across)
    var y4 = FloatVector.fromArray(FSpecies, c, o + 4 * across + F)
    var x5 = FloatVector.fromArray(FSpecies, c, o + 5 * across)
    var y5 = FloatVector.fromArray(FSpecies, c, o + 5 * across + F)
    var x6 = FloatVector.fromArray(FSpecies, c, o + 6 * across)
    var y6 = FloatVector.fromArray(FSpecies, c, o + 6 * across + F)
    var x7 = FloatVector.fromArray(FSpecies, c, o + 7 * across)
    var y7 = FloatVector.fromArray(FSpecies, c, o + 7 * across + F)
    var p = at
    var q = bAt
    var e = 0
    while (e < n) {
      val u = FloatVector.fromArray(FSpecies, b, q)
      val v = FloatVector.fromArray(FSpecies, b, q + F)
      val s0 = FloatVector.broadcast(FSpecies, a(p + 0 * row)); x0 = s0.fma(u, x0);
      y0 = s0.fma(v, y0)
      val s1 = FloatVector.broadcast(FSpecies, a(p + 1 * row)); x1 = s1.fma(u, x1);
      y1 = s1.fma(v, y1)
      val s2 = FloatVector.broadcast(FSpecies, a(p + 2 * row)); x2 = s2.fma(u, x2);
      y2 = s2.fma(v, y2)
      val s3 = FloatVector.broadcast(FSpecies, a(p + 3 * row)); x3 = s3.fma(u, x3);
      y3 = s3.fma(v, y3)
      val s4 = FloatVector.broadcast(FSpecies, a(p + 4 * row)); x4 = s4.fma(u, x4);
      y4 = s4.fma(v, y4)
      val s5 = FloatVector.broadcast(FSpecies, a(p + 5 * row)); x5 = s5.fma(u, x5);
      y5 = s5.fma(v, y5)
      val s6 = FloatVector.broadcast(FSpecies, a(p + 6 * row)); x6 = s6.fma(u, x6);
      y6 = s6.fma(v, y6)
      val s7 = FloatVector.broadcast(FSpecies, a(p + 7 * row)); x7 = s7.fma(u, x7);
      y7 = s7.fma(v, y7)
      p += step
      q += down
      e += 1
    }
    x0.intoArray(c, o + 0 * across); y0.intoArray(c, o + 0 * across + F)
    x1.intoArray(c, o + 1 * across); y1.intoArray(c, o + 1 * across + F)
    x2.intoArray(c, o + 2 * across); y2.intoArray(c, o + 2 * across + F)
    x3.intoArray(c, o + 3 * across); y3.intoArray(c, o + 3 * across + F)
    x4.intoArray(c, o + 4 * across); y4.intoArray(c, o + 4 * across + F)
    x5.intoArray(c, o + 5 * across); y5.intoArray(c, o + 5 * across + F)
    x6.intoArray(c, o + 6 * across); y6.intoArray(c, o + 6 * across + F)
    x7.intoArray(c, o + 7 * across); y7.intoArray(c, o + 7 * across + F)
  }

  private def tile8x1(
      a: Array[Float],
      at: Int,
      row: Int,
      step: Int,
      n: Int,
      b: Array[Float],
      bAt: Int,
      down: Int,
      c: Array[Float],
      o: Int,
      across: Int
  ): Unit = {
    var x0 = FloatVector.fromArray(FSpecies, c, o + 0 * across)
    var x1 = FloatVector.fromArray(FSpecies, c, o + 1 * across)
    var x2 = FloatVector.fromArray(FSpecies, c, o + 2 * across)
    var x3 = FloatVector.fromArray(FSpecies, c, o + 3 * across)
    var x4 = FloatVector.fromArray(FSpecies, c, o + 4 * across)
    var x5 = FloatVector.fromArray(FSpecies, c, o + 5 * across)
    var x6 = FloatVector.fromArray(FSpecies, c, o + 6 * across)
    var x7 = FloatVector.fromArray(FSpecies, c, o + 7 * across)
    var p = at
    var q = bAt
    var e = 0
    while (e < n) {
      val u = FloatVector.fromArray(FSpecies, b, q)
      val s0 = FloatVector.broadcast(FSpecies, a(p + 0 * row)); x0 = s0.fma(u, x0)
      val s1 = FloatVector.broadcast(FSpecies, a(p + 1 * row)); x1 = s1.fma(u, x1)
      val s2 = FloatVector.broadcast(FSpecies, a(p + 2 * row)); x2 = s2.fma(u, x2)
      val s3 = FloatVector.broadcast(FSpecies, a(p + 3 * row)); x3 = s3.fma(u, x3)
      val s4 = FloatVector.broadcast(FSpecies, a(p + 4 * row)); x4 = s4.fma(u, x4)
      val s5 = FloatVector.broadcast(FSpecies, a(p + 5 * row)); x5 = s5.fma(u, x5)
      val s6 = FloatVector.broadcast(FSpecies, a(p + 6 * row)); x6 = s6.fma(u, x6)
      val s7 = FloatVector.broadcast(FSpecies, a(p + 7 * row)); x7 = s7.fma(u, x7)
      p += step
      q += down
      e += 1
    }
    x0.intoArray(c, o + 0 * across)
    x1.intoArray(c, o + 1 * across)
    x2.intoArray(c, o + 2 * across)
    x3.intoArray(c, o + 3 * across)
    x4.intoArray(c, o + 4 * across)
    x5.intoArray(c, o + 5 * across)
    x6.intoArray(c, o + 6 * across)
    x7.intoArray(c, o + 7 * across)
  }

  private def tile1x1(
      a: Array[Float],
      at: Int,
      step: Int,
      n: Int,
      b: Array[Float],
      bAt: Int,
      down: Int,
      c: Array[Float],
      o: Int
  ): Unit = {
    var x = FloatVector.fromArray(FSpecies, c, o)
    var p = at
    var q = bAt
    var e = 0
    while (e < n) {
      x = FloatVector.broadcast(FSpecies, a(p)).fma(FloatVector.fromArray(FSpecies, b, q), x)
      p += step
      q += down
      e += 1
    }
    x.intoArray(c, o)
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
