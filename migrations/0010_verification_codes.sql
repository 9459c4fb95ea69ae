-- The QR code that a person can scan from the operator's terminal instead of comparing emoji: its bytes in base64.
alter table verifications add column code text;
