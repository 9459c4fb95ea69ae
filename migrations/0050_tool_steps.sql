-- compatible: yes

-- A step can be the call of a tool. It is written before the call is made: `proposed` when the model has asked for it, `running`
-- before the tool's server is asked. See src/turns/turn-step.ts. A version that knows no such steps fails their turns.
alter table turn_steps
  -- The call, as JSON, sealed; null where a model is asked.
  add column call text,
  drop constraint turn_steps_state_check,
  add constraint turn_steps_state_check check (
    state in ('asked', 'called', 'answered', 'failed', 'proposed', 'running', 'done', 'refused', 'unknown')),
  drop constraint turn_steps_check,
  -- No words without a seal.
  add constraint turn_steps_check check ((sealed_by is null) = (answer is null and call is null));

-- A call of a tool goes to its server as a request goes to a model's, and counts alike.
alter table provider_requests
  drop constraint provider_requests_kind_check,
  add constraint provider_requests_kind_check check (kind in ('chat', 'summary', 'picture', 'recording', 'tool'));
