package io.longshore.target.rpc;

import com.google.protobuf.InvalidProtocolBufferException;
import io.longshore.target.rpc.PageRequest.Run;
import io.longshore.transfer.v1.PageBatch;
import io.longshore.transfer.v1.PageRun;
import io.longshore.transfer.v1.SendPagesRequest;
import io.longshore.transfer.v1.StreamOpen;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads one page message, whose bytes are foreign. Fields may come in any order and unknown ones
 * are skipped, as protobuf has it; of what may be there once, a second is refused.
 */
final class PageRequestParser {
  private static final int VARINT = 0;
  private static final int FIXED64 = 1;
  private static final int BYTES = 2;
  private static final int FIXED32 = 5;

  private static final int OPEN = SendPagesRequest.OPEN_FIELD_NUMBER << 3 | BYTES;
  private static final int BATCH = SendPagesRequest.BATCH_FIELD_NUMBER << 3 | BYTES;
  private static final int RUN = PageBatch.RUNS_FIELD_NUMBER << 3 | BYTES;
  private static final int CRC = PageBatch.CRC32C_FIELD_NUMBER << 3 | FIXED32;
  private static final int PAYLOAD = PageBatch.PAYLOAD_FIELD_NUMBER << 3 | BYTES;
  private static final int ROUND = PageBatch.ROUND_FIELD_NUMBER << 3 | VARINT;
  private static final int VPID = PageRun.VPID_FIELD_NUMBER << 3 | VARINT;
  private static final int FIRST_PAGE = PageRun.FIRST_PAGE_FIELD_NUMBER << 3 | VARINT;
  private static final int COUNT = PageRun.COUNT_FIELD_NUMBER << 3 | VARINT;
  private static final int ENCODING = PageRun.ENCODING_FIELD_NUMBER << 3 | VARINT;

  private final ByteBuffer in;

  /**
   * @param message from its position to its limit
   */
  PageRequestParser(ByteBuffer message) {
    this.in = message.order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * @throws InvalidProtocolBufferException if it is no message of this kind
   */
  PageRequest parse() throws InvalidProtocolBufferException {
    PageRequest request = null;
    int end = in.limit();
    while (in.position() < end) {
      int tag = tag();
      if (tag != OPEN && tag != BATCH) {
        skip(tag, end);
        continue;
      }
      if (request != null) {
        throw new InvalidProtocolBufferException("a message that is two");
      }
      int fieldEnd = length(end);
      request =
          tag == OPEN
              ? new PageRequest.Open(StreamOpen.parseFrom(bytes(fieldEnd)))
              : batch(fieldEnd);
    }
    return request == null ? new PageRequest.Malformed("an empty message") : request;
  }

  private PageRequest.Batch batch(int end) throws InvalidProtocolBufferException {
    List<Run> runs = new ArrayList<>();
    int crc32c = 0;
    ByteBuffer payload = null;
    boolean round = false;
    while (in.position() < end) {
      int tag = tag();
      switch (tag) {
        case RUN -> runs.add(run(length(end)));
        case CRC -> {
          require(4, end);
          crc32c = in.getInt();
        }
        case PAYLOAD -> {
          if (payload != null) {
            throw new InvalidProtocolBufferException("a batch with two payloads");
          }
          payload = bytes(length(end));
        }
        case ROUND -> round = varint(end) != 0;
        default -> skip(tag, end);
      }
    }
    return new PageRequest.Batch(
        runs, crc32c, payload == null ? in.slice(end, 0) : payload, round, in);
  }

  private Run run(int end) throws InvalidProtocolBufferException {
    int vpid = 0;
    long firstPage = 0;
    int count = 0;
    int encoding = 0;
    while (in.position() < end) {
      int tag = tag();
      switch (tag) {
        case VPID -> vpid = (int) varint(end);
        case FIRST_PAGE -> firstPage = varint(end);
        case COUNT -> count = (int) varint(end);
        case ENCODING -> encoding = (int) varint(end);
        default -> skip(tag, end);
      }
    }
    return new Run(vpid, firstPage, count, encoding);
  }

  private int tag() throws InvalidProtocolBufferException {
    int tag = (int) varint(in.limit());
    if (tag >>> 3 == 0) {
      throw new InvalidProtocolBufferException("a field without a number");
    }
    return tag;
  }

  private long varint(int end) throws InvalidProtocolBufferException {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      require(1, end);
      byte next = in.get();
      value |= (next & 0x7fL) << shift;
      if (next >= 0) {
        return value;
      }
    }
    throw new InvalidProtocolBufferException("a number of more than 64 bits");
  }

  /** Where a field ends of which the length comes now. */
  private int length(int end) throws InvalidProtocolBufferException {
    long length = varint(end);
    if (length < 0 || length > end - in.position()) {
      throw new InvalidProtocolBufferException("a length that leads out of the message");
    }
    return in.position() + (int) length;
  }

  private ByteBuffer bytes(int end) {
    ByteBuffer bytes = in.slice(in.position(), end - in.position());
    in.position(end);
    return bytes;
  }

  private void skip(int tag, int end) throws InvalidProtocolBufferException {
    switch (tag & 7) {
      case VARINT -> varint(end);
      case FIXED64 -> bytesOf(8, end);
      case BYTES -> in.position(length(end));
      case FIXED32 -> bytesOf(4, end);
      default -> throw new InvalidProtocolBufferException("a field of an unknown kind");
    }
  }

  private void bytesOf(int count, int end) throws InvalidProtocolBufferException {
    require(count, end);
    in.position(in.position() + count);
  }

  private void require(int count, int end) throws InvalidProtocolBufferException {
    if (end - in.position() < count) {
      throw new InvalidProtocolBufferException("a message that ends too early");
    }
  }
}
