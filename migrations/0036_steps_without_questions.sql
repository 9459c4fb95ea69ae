-- compatible: yes

-- A step is asked anew from the conversation, and no version has ever written its question: a step that needs one brings the
-- column with it.
alter table turn_steps drop column question;
-- That took the check over several columns with it. No words without a seal.
alter table turn_steps add check ((sealed_by is null) = (answer is null));
