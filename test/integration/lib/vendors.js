// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Every provider with an HTTP interface, as otpd has to meet it: how it is configured, what the
// bytes of a request are, how it takes a message, and how it reports what became of one.
//
//   settings   of the entry in the configuration file; `secrets` are settings that are files
//   taken      its answer to a message that it takes and calls `ref`
//   request    its first line, its headers but for Host and Content-Length, its body; with holes:
//              <number>, <code> and so on stand for what differs from message to message, the
//              same hole for the same text; <url> is where to report, where a message says it
//   probe      what otpd check --online asks: first line, body, one header, and the settings that
//              it shows the provider
//   reports    (ref, url): a request to that URL, or to the one that was registered; null where
//              the provider cannot say so
'use strict';

const crypto = require('node:crypto');

const SIGNING_KEY = Buffer.alloc(32, 7);
const JSON_TYPE = { 'Content-Type': 'application/json' };
const FORM_TYPE = { 'Content-Type': 'application/x-www-form-urlencoded' };

const json = (value, headers) =>
  ({ method: 'POST', body: JSON.stringify(value), headers: { ...JSON_TYPE, ...headers } });

function form(members, headers) {
  const body = `${new URLSearchParams(members)}`;
  return { method: 'POST', body, headers: { ...FORM_TYPE, ...headers } };
}

const query = (members) => ({ method: 'GET', query: `?${new URLSearchParams(members)}` });

const hmac = (hash, key, text, encoding) =>
  crypto.createHmac(hash, key).update(text).digest(encoding);

const TEXT = '<code> is your <brand> code, valid for 20 minutes. Never share it with anyone.';
const FORM_TEXT = TEXT.replaceAll(',', '%2C').replaceAll(' ', '+');

const JSON_HEADER = 'Content-Type: application/json';
const FORM_HEADER = 'Content-Type: application/x-www-form-urlencoded';
const ACCEPTS_JSON = 'Accept: application/json';
const ACCEPTS_ALL = 'Accept: */*';

const awsHeader = (service, names) =>
  `Authorization: AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/<day>/ap-south-1/${service}/` +
  `aws4_request, SignedHeaders=${names}, Signature=<signature>`;

function twilioReport(state, ref, url) {
  const members = { MessageSid: ref, MessageStatus: state };
  const text = url + Object.keys(members).sort().map((name) => name + members[name]).join('');
  return form(members, { 'X-Twilio-Signature': hmac('sha1', 'twilio-token', text, 'base64') });
}

function webhookReport(state, ref) {
  const report = json({ type: `otp.${state}`, data: { id: ref } });
  const seconds = Math.floor(Date.now() / 1000);
  const mac = hmac('sha256', SIGNING_KEY, `r-${ref}.${seconds}.${report.body}`, 'base64');
  Object.assign(report.headers, {
    'webhook-id': `r-${ref}`, 'webhook-timestamp': seconds, 'webhook-signature': `v1,${mac}`,
  });
  return report;
}

function chatReport(state, ref) {
  const value = { messaging_product: 'whatsapp', statuses: [{ id: ref, status: state }] };
  const report = json({ entry: [{ id: '1', changes: [{ field: 'messages', value }] }] });
  const mac = hmac('sha256', 'chat-secret', report.body, 'hex');
  report.headers['X-Hub-Signature-256'] = `sha256=${mac}`;
  return report;
}

const topicReport = (state, ref) => json({
  Type: 'Notification', Message: JSON.stringify({ messageId: ref, messageStatus: state }),
});

const zaloReport = (ref) => json({
  app_id: '4815162342', event_name: 'user_received_message', timestamp: '1767225604000',
  message: { msg_id: ref, delivery_time: '1767225603999' },
});

const VENDORS = [
  {
    kind: 'twilio',
    settings: { accountSid: 'AC01', sender: '+12025550100' },
    secrets: { authToken: 'twilio-token' },
    taken: (ref) => ({ status: 201, json: { sid: ref, status: 'queued' } }),
    request: [
      'POST /2010-04-01/Accounts/AC01/Messages.json',
      ['Authorization: Basic QUMwMTp0d2lsaW8tdG9rZW4=', FORM_HEADER, ACCEPTS_JSON],
      `To=%2B<number>&From=%2B12025550100&Body=${FORM_TEXT}&ValidityPeriod=<life>&` +
        'StatusCallback=<url>',
    ],
    probe: {
      line: 'GET /2010-04-01/Accounts/AC01.json',
      body: '',
      header: ['authorization', 'Basic QUMwMTp0d2lsaW8tdG9rZW4='],
      shown: 'accountSid authTokenFile',
    },
    reports: {
      delivered: (ref, url) => twilioReport('delivered', ref, url),
      failed: (ref, url) => twilioReport('undelivered', ref, url),
    },
  },
  {
    kind: 'msg91',
    settings: { templateId: '6123456789abcdef01234567', sender: 'DOCDEM' },
    secrets: { authkey: 'msg91-key' },
    taken: (ref) => ({ json: { type: 'success', request_id: ref } }),
    request: [
      'POST /api/v5/otp',
      [JSON_HEADER, ACCEPTS_JSON, 'authkey: msg91-key'],
      '{"template_id":"6123456789abcdef01234567","mobile":"<number>","otp":"<code>",' +
        '"otp_expiry":20,"sender":"DOCDEM"}',
    ],
    probe: {
      line: 'GET /api/v5/otp/verify?mobile=910000000000&otp=000000',
      body: '',
      header: ['authkey', 'msg91-key'],
      shown: 'authkeyFile',
    },
    reports: {
      delivered: (ref) => json({ requestId: ref, report: [{ status: '1' }] }),
      failed: (ref) => json({ requestId: ref, report: [{ status: '2', desc: 'FAILED' }] }),
    },
  },
  {
    kind: 'infobip',
    settings: { sender: 'DOCDEM', entityId: '1001', templateId: '1007' },
    secrets: { apiKey: 'infobip-key' },
    taken: (ref) => ({
      json: { messages: [{ messageId: ref, status: { groupName: 'PENDING', name: 'X' } }] },
    }),
    request: [
      'POST /sms/3/messages',
      [JSON_HEADER, ACCEPTS_JSON, 'Authorization: App infobip-key'],
      '{"messages":[{"sender":"DOCDEM","destinations":[{"to":"<number>","messageId":"<id>"}],' +
        `"content":{"text":"${TEXT}"},"options":{"validityPeriod":{"amount":20,` +
        '"timeUnit":"MINUTES"},"regional":{"indiaDlt":{"contentTemplateId":"1007",' +
        '"principalEntityId":"1001"}}},"webhooks":{"delivery":{"url":"<url>"}}}]}',
    ],
    probe: {
      line: 'GET /account/1/balance',
      body: '',
      header: ['authorization', 'App infobip-key'],
      shown: 'apiKeyFile',
    },
    reports: {
      delivered: (ref) =>
        json({ results: [{ messageId: ref, status: { groupName: 'DELIVERED' } }] }),
      failed: (ref) =>
        json({ results: [{ messageId: ref, status: { groupName: 'REJECTED' } }] }),
    },
  },
  {
    kind: 'vonage',
    settings: { apiKey: 'abcd1234', sender: 'DOCDEM' },
    secrets: { apiSecret: 'vonage-secret' },
    taken: (ref) => ({ json: { 'message-count': '1', messages: [
      { status: '0', 'message-id': ref },
    ] } }),
    request: [
      'POST /sms/json',
      [FORM_HEADER, ACCEPTS_JSON],
      'api_key=abcd1234&api_secret=vonage-secret&from=DOCDEM&to=<number>&' +
        `text=${FORM_TEXT}&type=text&ttl=<life>000&client-ref=<id>&callback=<url>`,
    ],
    probe: {
      line: 'GET /account/get-balance',
      body: '',
      header: ['authorization', 'Basic YWJjZDEyMzQ6dm9uYWdlLXNlY3JldA=='],
      shown: 'apiKey apiSecretFile',
    },
    reports: {
      delivered: (ref) => form({ messageId: ref, status: 'delivered', 'err-code': '0' }),
      failed: (ref) => query({ messageId: ref, status: 'failed', 'err-code': '6' }),
    },
  },
  {
    kind: 'gupshup',
    settings: { userid: '2000000001', sender: 'DOCDEM', entityId: '1001', templateId: '1007' },
    secrets: { password: 'gupshup-password' },
    taken: (ref) => ({ text: `success | 919999999993 | ${ref}` }),
    request: [
      'POST /GatewayAPI/rest',
      [ACCEPTS_ALL, FORM_HEADER],
      'method=SendMessage&userid=2000000001&password=gupshup-password&auth_scheme=plain&v=1.1&' +
        `send_to=<number>&msg=${FORM_TEXT}&msg_type=TEXT&mask=DOCDEM&` +
        'principalEntityId=1001&dltTemplateId=1007&format=text',
    ],
    probe: {
      line: 'POST /GatewayAPI/rest',
      body: 'method=SendMessage&userid=2000000001&password=gupshup-password&' +
        'auth_scheme=plain&v=1.1&send_to=0&msg=otpd+check%3A+to+nobody&msg_type=TEXT&format=text',
      header: null,
      shown: 'userid passwordFile',
    },
    reports: {
      delivered: (ref) => query({ externalId: ref, status: 'SUCCESS', cause: 'SUCCESS' }),
      failed: (ref) => form({
        response: JSON.stringify([{ externalId: ref, eventType: 'FAILED', cause: 'DND_FAIL' }]),
      }),
    },
  },
  {
    kind: 'kaleyra',
    settings: { sid: 'HX01', sender: 'DOCDEM' },
    secrets: { apiKey: 'kaleyra-key' },
    taken: (ref) => ({ status: 202, json: { id: ref, data: [{ message_id: ref }] } }),
    request: [
      'POST /v1/HX01/messages',
      [FORM_HEADER, ACCEPTS_JSON, 'api-key: kaleyra-key'],
      `to=%2B<number>&type=OTP&sender=DOCDEM&body=${FORM_TEXT}&ref=<id>&` +
        'callback=%7B%22url%22%3A%22<url>%22%2C%22method%22%3A%22POST%22%7D',
    ],
    probe: {
      line: 'POST /v1/HX01/messages',
      body: 'type=OTP',
      header: ['api-key', 'kaleyra-key'],
      shown: 'sid apiKeyFile',
    },
    reports: {
      delivered: (ref) => json({ id: ref, status: 'DELIVRD' }),
      failed: (ref) => json({ id: ref, status: 'UNDELIV' }),
    },
  },
  {
    kind: 'aws-eum',
    settings: { region: 'ap-south-1', accessKeyId: 'AKIAEXAMPLE', configurationSet: 'otp' },
    secrets: { secretAccessKey: 'eum-secret' },
    taken: (ref) => ({ json: { MessageId: ref } }),
    request: [
      'POST /',
      [
        awsHeader('sms-voice', 'content-type;host;x-amz-date;x-amz-target'),
        'X-Amz-Date: <time>', ACCEPTS_ALL, 'Content-Type: application/x-amz-json-1.0',
        'X-Amz-Target: PinpointSMSVoiceV2.SendTextMessage',
      ],
      `{"DestinationPhoneNumber":"+<number>","MessageBody":"${TEXT}",` +
        '"MessageType":"TRANSACTIONAL","TimeToLive":<life>,"ConfigurationSetName":"otp"}',
    ],
    probe: {
      line: 'POST /',
      body: '{}',
      header: ['x-amz-target', 'PinpointSMSVoiceV2.DescribeAccountAttributes'],
      shown: 'region accessKeyId secretAccessKeyFile',
    },
    reports: {
      delivered: (ref) => topicReport('DELIVERED', ref),
      failed: (ref) => topicReport('CARRIER_BLOCKED', ref),
    },
  },
  {
    kind: 'aws-sns',
    settings: { region: 'ap-south-1', accessKeyId: 'AKIAEXAMPLE', senderId: 'DOCDEM' },
    secrets: { secretAccessKey: 'sns-secret' },
    taken: (ref) => ({
      text: `<PublishResponse><PublishResult><MessageId>${ref}</MessageId></PublishResult>` +
        '</PublishResponse>',
    }),
    request: [
      'POST /',
      [
        awsHeader('sns', 'content-type;host;x-amz-date'), 'X-Amz-Date: <time>', ACCEPTS_ALL,
        FORM_HEADER,
      ],
      `Action=Publish&Version=2010-03-31&PhoneNumber=%2B<number>&Message=${FORM_TEXT}&` +
        'MessageAttributes.entry.1.Name=AWS.SNS.SMS.SMSType&' +
        'MessageAttributes.entry.1.Value.DataType=String&' +
        'MessageAttributes.entry.1.Value.StringValue=Transactional&' +
        'MessageAttributes.entry.2.Name=AWS.SNS.SMS.SenderID&' +
        'MessageAttributes.entry.2.Value.DataType=String&' +
        'MessageAttributes.entry.2.Value.StringValue=DOCDEM',
    ],
    probe: {
      line: 'POST /',
      body: 'Action=GetSMSAttributes&Version=2010-03-31',
      header: null,
      shown: 'region accessKeyId secretAccessKeyFile',
    },
    reports: { delivered: null, failed: null },
  },
  {
    kind: 'whatsapp-cloud',
    channel: 'WHATSAPP',
    settings: { phoneNumberId: '100000000000001', template: 'login_code', language: 'en' },
    secrets: { accessToken: 'chat-token', appSecret: 'chat-secret' },
    taken: (ref) => ({ json: { messages: [{ id: ref }] } }),
    request: [
      'POST /v23.0/100000000000001/messages',
      ['Authorization: Bearer chat-token', JSON_HEADER, ACCEPTS_JSON],
      '{"messaging_product":"whatsapp","recipient_type":"individual","to":"+<number>",' +
        '"type":"template","biz_opaque_callback_data":"<echo>","template":{"name":"login_code",' +
        '"language":{"code":"en"},"components":[{"type":"body","parameters":[{"type":"text",' +
        '"text":"<code>"}]},{"type":"button","sub_type":"url","index":"0","parameters":[' +
        '{"type":"text","text":"<code>"}]}]}}',
    ],
    probe: {
      line: 'GET /v23.0/100000000000001',
      body: '',
      header: ['authorization', 'Bearer chat-token'],
      shown: 'version phoneNumberId accessTokenFile',
    },
    reports: {
      delivered: (ref) => chatReport('delivered', ref),
      failed: (ref) => chatReport('failed', ref),
    },
  },
  {
    kind: 'webhook',
    settings: { channels: 'SMS' },
    secrets: { signingSecret: `whsec_${SIGNING_KEY.toString('base64')}` },
    taken: (ref) => ({ json: { provider_message_id: ref } }),
    request: [
      'POST /',
      [
        JSON_HEADER, ACCEPTS_JSON, 'Idempotency-Key: msg_<id>', 'webhook-id: msg_<id>',
        'webhook-timestamp: <time>', 'webhook-signature: v1,<signature>',
      ],
      '{"type":"otp.send","id":"msg_<id>","data":{"to":"+<number>","channel":"SMS",' +
        `"otp":"<code>","text":"${TEXT}","brand":"<brand>","minutes":20,` +
        '"expires_at":<end>,"receipt_url":"<url>"}}',
    ],
    probe: {
      line: 'POST /',
      body: '{"type":"otp.ping","id":"msg_<id>","data":' +
        '{"detail":"otpd check --online: nothing is to be sent"}}',
      header: null,
      shown: 'signingSecretFile',
    },
    reports: {
      delivered: (ref) => webhookReport('delivered', ref),
      failed: (ref) => webhookReport('failed', ref),
    },
  },
  {
    kind: 'zalo',
    channel: 'ZALO',
    settings: { appId: '4815162342', templateId: '7895417' },
    secrets: { appSecret: 'zalo-secret' },
    taken: (ref) => ({ json: { error: 0, message: 'Success', data: { msg_id: ref } } }),
    request: [
      'POST /message/template',
      [JSON_HEADER, ACCEPTS_JSON, 'access_token: access-<pair>'],
      '{"phone":"<number>","template_id":"7895417","template_data":{"otp":"<code>"},' +
        '"tracking_id":"<id>"}',
    ],
    reports: { delivered: (ref) => zaloReport(ref), failed: null },
  },
];

module.exports = { SIGNING_KEY, VENDORS };
